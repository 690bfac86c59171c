import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { nodeTypesQuery } from "@/api/queries";
import type { NodeType } from "../store/types";

/** The node types by name; undefined until they were read. */
export function useTypes(): ReadonlyMap<string, NodeType> | undefined {
  const { data } = useQuery(nodeTypesQuery());
  return useMemo(() => data && new Map(data.items.map((type) => [type.type, type])), [data]);
}
