import type { WorkflowDocument } from "../store/types";

/** Names of the nodes that only mine has, that only theirs has, and that are in both but not the same. */
export function differences(mine: WorkflowDocument, theirs: WorkflowDocument) {
  const text = (node: object) => JSON.stringify(node, Object.keys(node).sort());
  const other = new Map(theirs.nodes.map((node) => [node.id, node]));
  const own = new Set(mine.nodes.map((node) => node.id));
  const name = (node: { id: string; name?: string }) => node.name || node.id;
  return {
    added: mine.nodes.filter((node) => !other.has(node.id)).map(name),
    removed: theirs.nodes.filter((node) => !own.has(node.id)).map(name),
    changed: mine.nodes
      .filter((node) => {
        const their = other.get(node.id);
        return their && (text(node) !== text(their) || JSON.stringify(node.config) !== JSON.stringify(their.config));
      })
      .map(name),
  };
}
