import { StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import "@/app/nonce";
import "@/app/styles.css";
import "@/app/theme";
import { takeToken } from "@/api/token";
import { App } from "@/app/App";
import { readOn, ready } from "@/i18n";

/** The first screen comes first. */
const READ_ON_MS = 500;

takeToken();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
void ready.then(() => {
  createRoot(root).render(
    <StrictMode>
      <Suspense>
        <App />
      </Suspense>
    </StrictMode>,
  );
  setTimeout(readOn, READ_ON_MS);
});
