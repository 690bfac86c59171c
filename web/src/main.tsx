import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@/i18n";
import "@/app/nonce";
import "@/app/styles.css";
import { takeToken } from "@/api/token";
import { App } from "@/app/App";

takeToken();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
