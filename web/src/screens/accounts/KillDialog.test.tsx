import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { ReactNode } from "react";
import { expect, test, vi } from "vitest";
import { accountsQuery } from "@/api/queries";
import { KillDialog } from "./KillDialog";
import type { Account } from "./queries";
import { ResumeDialog } from "./ResumeDialog";

const account = (name: string, trade_mode: Account["trade_mode"], more: Partial<Account> = {}): Account =>
  ({ name, trade_mode, state: "active", ...more }) as Account;

let queries: QueryClient;

function shown(dialog: ReactNode, accounts: Account[] = []) {
  queries = new QueryClient({
    defaultOptions: { queries: { staleTime: Number.POSITIVE_INFINITY }, mutations: { networkMode: "always" } },
  });
  queries.setQueryData(accountsQuery().queryKey, { items: accounts });
  render(<QueryClientProvider client={queries}>{dialog}</QueryClientProvider>);
  return screen.getByRole("dialog");
}

test.each([
  ["paper", "Paper: simulated money"],
  ["demo", "Demo: the broker's play money"],
  ["live", "Live money: every order is real"],
  [null, "The terminal has not said whether this money is real"],
] as const)("before an account of mode %s is stopped or let go, its money is named to eye and ear", (mode, words) => {
  const one = account("main", mode);
  const kill = shown(<KillDialog account={one} onClose={vi.fn()} />);
  expect(kill).toHaveAccessibleDescription(expect.stringContaining(words));
  const resume = shown(<ResumeDialog account={one} onClose={vi.fn()} />);
  expect(resume).toHaveAccessibleDescription(expect.stringContaining(words));
});

test("whoever stops all is told which they are, and which of them are real money", () => {
  const accounts = [account("main", "live"), account("trial", "demo"), account("paper", "paper")];
  shown(<KillDialog account={null} onClose={vi.fn()} />, accounts);
  expect(screen.getAllByRole("listitem").map((each) => each.textContent)).toEqual([
    "mainLive money: every order is real",
    "trialDemo: the broker's play money",
    "paperPaper: simulated money, real strategy",
  ]);
});

test("real money is let go only once its sentence is typed, word for word", async () => {
  const real = account("main", "live", { state: "halted", acknowledgement: "trade live money on main" });
  shown(<ResumeDialog account={real} onClose={vi.fn()} />);
  const asked = () => queries.getMutationCache().getAll();
  await userEvent.type(screen.getByLabelText(/^Why/), "looked at it");
  await userEvent.type(screen.getByLabelText(/^Type:/), "trade live money");
  await userEvent.click(screen.getByRole("button", { name: "Arm it" }));
  expect(asked()).toEqual([]);
  await userEvent.type(screen.getByLabelText(/^Type:/), " on main");
  await userEvent.click(screen.getByRole("button", { name: "Arm it" }));
  expect(asked().map(({ state }) => state.variables)).toEqual([
    { reason: "looked at it", acknowledgement: "trade live money on main" },
  ]);
  // Nobody answers here: that is told, and what was typed stays.
  expect(await screen.findByText("Tradeloom does not answer.")).toBeInTheDocument();
  expect(screen.getByLabelText(/^Why/)).toHaveValue("looked at it");
});
