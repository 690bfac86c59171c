import { Fragment, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { toast } from "@/ui/toast";
import { editNode } from "../store/store";
import type { NodeDoc } from "../store/types";
import { useSchema } from "./usePanel";

/** What a node type does, an example of its use, and the errors it may fail with. */
export function NodeAbout({ node }: { node: NodeDoc }) {
  const { t } = useTranslation("panel");
  const { data: type } = useSchema(node.type);
  if (!type) return null;
  const use = () => {
    editNode(node.id, { config: { ...node.config, ...type.example.config } });
    toast.done(t("about.used"));
  };
  return (
    <div className="flex flex-col gap-5">
      <div className="flex flex-col gap-2 leading-relaxed">
        {type.help.split(/\n{2,}/).map((paragraph) => (
          <p key={paragraph}>{withCode(paragraph)}</p>
        ))}
      </div>
      <section className="rounded-lg border border-line bg-canvas p-4">
        <div className="mb-2 flex items-center justify-between gap-2">
          <h4 className="font-medium">{t("about.example", { title: type.example.title })}</h4>
          <Button small onClick={use}>
            {t("about.use")}
          </Button>
        </div>
        <pre className="font-mono text-xs break-words whitespace-pre-wrap">
          {JSON.stringify(type.example.config, null, 2)}
        </pre>
      </section>
      {type.errors.length > 0 && (
        <section>
          <h4 className="mb-2 font-medium">{t("about.errors")}</h4>
          <dl className="flex flex-col gap-2 text-[13px]">
            {type.errors.map((error) => (
              <div key={error.name}>
                <dt className="flex items-center gap-2 font-mono text-xs font-medium">
                  {error.name} {error.retryable && <Badge>{t("about.retryable")}</Badge>}
                </dt>
                <dd className="text-soft">{error.description}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
    </div>
  );
}

/** Names between backticks in the letters of code; the rest as it is. */
const withCode = (text: string): ReactNode[] =>
  text.split("`").map((part, index) =>
    index % 2 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a fixed text
      <code key={index} className="rounded bg-sunken px-1 font-mono text-[12.5px]">
        {part}
      </code>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a fixed text
      <Fragment key={index}>{part}</Fragment>
    ),
  );
