import { expect, it } from "vitest";
import de from "@/i18n/de/help.json";
import en from "@/i18n/en/help.json";
import { SCREENCASTS } from "./Screencasts";

it("has a title for every film, in every language, and no title without a film", () => {
  const names = SCREENCASTS.map(({ name }) => name);
  expect(names).toEqual(Object.keys(en.screencast));
  expect(names).toEqual(Object.keys(de.screencast));
});
