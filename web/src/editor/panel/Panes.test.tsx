import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { Column, PaneChoice, showPane } from "./Panes";

it("shows a phone one column at a time, the one that was chosen", async () => {
  showPane("form");
  render(
    <>
      <PaneChoice />
      <Column pane="input">fields</Column>
      <Column pane="form">settings</Column>
      <Column pane="output">result</Column>
    </>,
  );
  const hidden = (text: string) => screen.getByText(text).classList.contains("max-md:hidden");
  expect(["fields", "settings", "result"].map(hidden)).toEqual([true, false, true]);

  await userEvent.click(screen.getByRole("button", { name: "Input" }));
  expect(["fields", "settings", "result"].map(hidden)).toEqual([false, true, true]);
  expect(screen.getByRole("button", { name: "Input" })).toHaveAttribute("aria-pressed", "true");
});
