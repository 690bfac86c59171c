import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { workflowQuery } from "@/api/queries";
import { GraphView } from "./canvas/GraphView";
import { asDocument } from "./store/types";

export default function Editor({ params }: { params: Record<string, string> }) {
  const { data } = useQuery(workflowQuery(params.id ?? ""));
  const document = useMemo(() => data && asDocument(data.document), [data]);
  return document ? <GraphView document={document} /> : null;
}
