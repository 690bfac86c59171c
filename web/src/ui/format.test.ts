import { expect, test } from "vitest";
import { duration } from "./format";

test.each([
  [0, "0 ms"],
  [999.4, "999 ms"],
  [999.6, "1.0 s"],
  [59_949, "59.9 s"],
  [59_960, "1 min 0 s"],
  [119_600, "2 min 0 s"],
  [150_000, "2 min 30 s"],
  [3_599_700, "1 h 0 min"],
  [5_400_000, "1 h 30 min"],
  [null, "–"],
])("%s ms take %s", (ms, said) => {
  expect(duration(ms)).toBe(said);
});
