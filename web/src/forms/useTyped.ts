import { useState } from "react";

/** The text of a value that is being typed: it stays as typed for as long as it reads as the value, so that `1.` can
 * become `1.5`. A value that comes from elsewhere replaces it. */
export function useTyped(
  value: unknown,
  read: (text: string) => unknown,
  write: (value: unknown) => string,
): [string, (text: string) => unknown] {
  const [typed, setTyped] = useState<string | null>(null);
  const same = typed !== null && JSON.stringify(read(typed) ?? null) === JSON.stringify(value ?? null);
  const take = (text: string) => {
    setTyped(text);
    return read(text);
  };
  return [same && typed !== null ? typed : write(value), take];
}
