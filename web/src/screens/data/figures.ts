import { number } from "@/ui/format";

/** Bytes as people read them. */
export function size(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_048_576) return `${number(bytes / 1_024, 0)} kB`;
  return `${number(bytes / 1_048_576, 1)} MB`;
}
