import i18next from "i18next";
import { Component, type ReactNode } from "react";
import { Button } from "@/ui/Button";
import { Notice } from "@/ui/Notice";

/** Keeps a broken screen from taking the rest of the console with it. */
export class CrashGuard extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <div className="p-6">
        <Notice tone="bad" action={<Button onClick={() => location.reload()}>{i18next.t("app:retry")}</Button>}>
          <p className="font-medium">{i18next.t("app:crash.title")}</p>
          <p>{i18next.t("app:crash.lead")}</p>
          <pre className="mt-2 overflow-auto text-xs">{`${error.name}: ${error.message}`}</pre>
        </Notice>
      </div>
    );
  }
}
