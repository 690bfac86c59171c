import { expect, test } from "vitest";
import { csvOf } from "./csv";

test("quotes what must be, and lets no text become a formula", () => {
  const rows = [
    { a: 'say "hi"', b: -1.5, c: null },
    { a: "=1+1", b: true, c: { x: [1, 2] } },
    { a: "two\nlines", b: 0, c: "plain" },
  ];
  expect(csvOf(["a", "b", "c"], rows)).toBe(
    'a,b,c\r\n"say ""hi""",-1.5,\r\n\'=1+1,true,"{""x"":[1,2]}"\r\n"two\nlines",0,plain\r\n',
  );
});
