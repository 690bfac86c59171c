import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { documentQuery } from "./queries";

/** What people call the nodes of a run, by id. */
export function useNames(execution: string): ReadonlyMap<string, string> {
  const { data } = useQuery(documentQuery(execution));
  return useMemo(() => new Map(data?.nodes.map((node) => [node.id, node.name || node.id])), [data]);
}
