// Loaded when it is first opened.
import { Command as Menu } from "cmdk";
import { Dialog } from "radix-ui";
import { useTranslation } from "react-i18next";
import { portsOf } from "../canvas/geometry";
import { iconOf } from "../canvas/icons";
import { viewport } from "../canvas/viewport";
import type { Command } from "../commands";
import { keyNames } from "../keys-text";
import { addFromPalette, chosenNodes, link } from "../store/actions";
import { refusal } from "../store/edits";
import { openPanel, select, useEditor } from "../store/store";
import type { ConnectionDoc, NodeDoc, NodeType } from "../store/types";

type Types = ReadonlyMap<string, NodeType>;

/** Everything by its name: commands, nodes to go to, connections to draw, node types to add. */
export default function CommandPalette(props: {
  commands: readonly Command[];
  types: Types;
  nodesOnly: boolean;
  onClose: () => void;
}) {
  const { commands, types, nodesOnly, onClose } = props;
  const { t } = useTranslation("editor");
  const document = useEditor((state) => state.document);
  const done = (run: () => void) => () => {
    onClose();
    // The dialog gives the focus back first; what runs may want it elsewhere.
    requestAnimationFrame(run);
  };
  const label = t(nodesOnly ? "commands.find" : "commands.commands");
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="fixed inset-0 z-40 bg-black/40" />
        <Dialog.Content aria-describedby={undefined} className="command-palette">
          <Dialog.Title className="sr-only">{label}</Dialog.Title>
          <Menu label={label} loop>
            <Menu.Input placeholder={t(nodesOnly ? "palette.findNode" : "palette.command")} />
            <Menu.List>
              <Menu.Empty>{t("palette.noCommand")}</Menu.Empty>
              {!nodesOnly && (
                <Menu.Group heading={t("areas.commands")}>
                  {commands
                    .filter((command) => command.id !== "commands" && command.id !== "leave")
                    .map((command) => (
                      <Menu.Item key={command.id} value={t(`commands.${command.id}`)} onSelect={done(command.run)}>
                        {t(`commands.${command.id}`)}
                        <span className="ml-auto flex gap-1">
                          {command.keys && keyNames(command.keys[0] ?? "").map((key) => <kbd key={key}>{key}</kbd>)}
                        </span>
                      </Menu.Item>
                    ))}
                </Menu.Group>
              )}
              <Menu.Group heading={t("areas.nodes")}>
                {document.nodes.map((node) => (
                  <NodeItem key={node.id} node={node} types={types} onSelect={done(() => goTo(node, nodesOnly))} />
                ))}
              </Menu.Group>
              {!nodesOnly && <Links types={types} done={done} />}
              {!nodesOnly && (
                <Menu.Group heading={t("areas.add")}>
                  {[...types.values()].map((type) => (
                    <Menu.Item
                      key={type.type}
                      value={`${t("palette.addType", { type: type.title })} ${type.type}`}
                      onSelect={done(() => addFromPalette(type, types, null))}
                    >
                      {t("palette.addType", { type: type.title })}
                      <span className="ml-auto text-xs text-soft">{t(`category.${type.category}`)}</span>
                    </Menu.Item>
                  ))}
                </Menu.Group>
              )}
            </Menu.List>
          </Menu>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function goTo(node: NodeDoc, find: boolean): void {
  select([node.id]);
  viewport.makeVisible(node.id, true);
  if (!find) openPanel(node.id);
}

function NodeItem({ node, types, onSelect }: { node: NodeDoc; types: Types; onSelect: () => void }) {
  const { t } = useTranslation("editor");
  const type = types.get(node.type);
  const Icon = iconOf(type?.icon);
  return (
    <Menu.Item value={`${node.name || node.id} ${type?.title ?? ""} ${node.id}`} onSelect={onSelect}>
      <span data-category={type?.category} className="text-(--tone)">
        <Icon size={15} aria-hidden />
      </span>
      {t("palette.go", { node: node.name || node.id })}
      <span className="ml-auto text-xs text-soft">{type?.title ?? node.type}</span>
    </Menu.Item>
  );
}

/** With one node selected: every connection that could be drawn from it. */
function Links({ types, done }: { types: Types; done: (run: () => void) => () => void }) {
  const { t } = useTranslation("editor");
  const document = useEditor((state) => state.document);
  const [from, ...more] = chosenNodes();
  if (!from || more.length) return null;
  const ports = portsOf(from, types.get(from.type));
  const wishes = ports.flatMap((port) =>
    document.nodes.map((to): { wanted: ConnectionDoc; to: NodeDoc; port: string } => ({
      wanted: { source: from.id, source_port: port.name, target: to.id, target_port: "main" },
      to,
      port: port.title,
    })),
  );
  return (
    <Menu.Group heading={t("areas.connect", { node: from.name || from.id })}>
      {wishes
        .filter(({ wanted }) => refusal(document, wanted, types) === null)
        .map(({ wanted, to, port }) => (
          <Menu.Item
            key={`${wanted.source_port} ${to.id}`}
            value={`${t("palette.connect", { port, node: to.name || to.id })} ${to.id}`}
            onSelect={done(() => link(wanted, types))}
          >
            {t("palette.connect", { port, node: to.name || to.id })}
          </Menu.Item>
        ))}
    </Menu.Group>
  );
}
