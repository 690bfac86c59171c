import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@/app/nonce";
import "@/app/styles.css";
import { takeToken } from "@/api/token";
import { App } from "@/app/App";
import { ready } from "@/i18n";

takeToken();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
void ready.then(() =>
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  ),
);
