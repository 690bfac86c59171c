import { render, screen } from "@testing-library/react";
import i18next from "i18next";
import { expect, test } from "vitest";
import { Mode } from "./Standing";

test("how an account stands is said once its words are there, never as their name", async () => {
  i18next.removeResourceBundle("en", "accounts");
  render(<Mode name="main" mode="paper" state="halted" />);
  expect(screen.getByRole("link")).not.toHaveTextContent("state");
  expect(await screen.findByText("· Halted")).toBeInTheDocument();
});
