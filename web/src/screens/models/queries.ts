import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, type Schemas, told } from "@/api/client";

export type Model = Schemas["ModelSummary"];
export type Detail = Schemas["ModelDetail"];
export type Version = Schemas["ModelVersion"];
export type Scores = Schemas["ModelScores"];
export type Training = Schemas["Training"];
export type Wanted = Schemas["StartTraining"];
export type Upload = Schemas["UploadModel"];

export const TIMEFRAMES = ["M1", "M5", "M15", "M30", "H1", "H4", "D1"] as const;

export const modelsQuery = () =>
  queryOptions({ queryKey: ["models"], queryFn: () => told(api.GET("/api/agentic/models")) });

export const modelQuery = (id: string) =>
  queryOptions({
    queryKey: ["models", id],
    queryFn: () => told(api.GET("/api/agentic/models/{id}", { params: { path: { id } } })),
    placeholderData: undefined,
  });

/** Asked for often while one runs, and hardly ever else. */
export const trainingsQuery = () =>
  queryOptions({
    queryKey: ["model-trainings"],
    queryFn: () => told(api.GET("/api/agentic/model-trainings")),
    refetchInterval: (query) => (query.state.data?.items[0]?.state === "running" ? 400 : 30_000),
  });

export function useTrain() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Wanted) => told(api.POST("/api/agentic/model-trainings", { body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["model-trainings"] }),
  });
}

export function useUpload() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: Upload) => told(api.POST("/api/agentic/models", { body })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["models"] }),
  });
}

/** Choose a version, or with null let the newest be used again; `back` chooses the one before. */
export function useChoose(id: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (wanted: { version: string | null } | "back") =>
      wanted === "back"
        ? told(api.POST("/api/agentic/models/{id}/rollback", { params: { path: { id } } }))
        : told(api.POST("/api/agentic/models/{id}/promote", { params: { path: { id } }, body: wanted })),
    onSuccess: (detail) => {
      queries.setQueryData(["models", id], detail);
      void queries.invalidateQueries({ queryKey: ["models"], exact: true });
    },
  });
}
