import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { keepToken } from "@/api/token";
import { Button } from "@/ui/Button";
import { Notice } from "@/ui/Notice";

/** Asks for the token and tries it before anything else is shown. */
export function SignIn() {
  const { t } = useTranslation("app");
  const [given, setGiven] = useState("");
  const [problem, setProblem] = useState("");

  async function open(event: FormEvent) {
    event.preventDefault();
    try {
      const answer = await fetch("/api/agentic/health", { headers: { Authorization: `Bearer ${given.trim()}` } });
      if (answer.ok) keepToken(given.trim());
      else setProblem(t("signin.wrong"));
    } catch {
      setProblem(t("link.lost"));
    }
  }

  return (
    <main className="grid min-h-full place-items-center p-4">
      <form
        onSubmit={open}
        className="flex w-full max-w-md flex-col gap-3 rounded-xl border border-line bg-surface p-6 shadow-raised"
      >
        <img src="/static/icon.svg" alt="" width="36" height="36" />
        <h1>{t("signin.title")}</h1>
        <p className="text-soft">{t("signin.lead")}</p>
        <label htmlFor="token" className="font-medium">
          {t("signin.token")}
        </label>
        <input
          id="token"
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          value={given}
          onChange={(event) => setGiven(event.target.value)}
          className="h-10 rounded-md border border-line-strong bg-surface px-3"
        />
        {problem && <Notice tone="bad">{problem}</Notice>}
        <Button type="submit" tone="primary">
          {t("signin.open")}
        </Button>
      </form>
    </main>
  );
}
