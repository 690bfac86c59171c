import { queryOptions } from "@tanstack/react-query";
import { api, type Schemas, told } from "@/api/client";

export type Told = Schemas["NotificationItem"];
const LOOK_MS = 5_000;
/** What the bell looks at. */
export const RECENT = 50;

/** Newest first. Runs that begin or end let it be read at once; what comes from elsewhere is looked for. */
export const notificationsQuery = (limit: number = RECENT) =>
  queryOptions({
    queryKey: ["notifications", limit],
    queryFn: () => told(api.GET("/api/agentic/notifications", { params: { query: { limit } } })),
    refetchInterval: LOOK_MS,
  });
