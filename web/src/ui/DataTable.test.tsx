import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { type Column, DataTable } from "./DataTable";

type Row = { id: string; size: number };
const COLUMNS: Column<Row>[] = [
  { id: "id", header: "Name", cell: (row) => row.id, sort: (row) => row.id },
  { id: "size", header: "Size", cell: (row) => row.size, sort: (row) => row.size, align: "right" },
  { id: "act", header: "", cell: (row) => <button type="button">{`drop ${row.id}`}</button> },
];
const ROWS: Row[] = [
  { id: "b", size: 3 },
  { id: "a", size: 20 },
  { id: "c", size: 1 },
];
const shown = () =>
  screen
    .getAllByRole("row")
    .slice(1)
    .map((row) => within(row).getAllByRole("cell")[0]?.textContent);

test("a head sorts, tells how, and gives the first order back", async () => {
  render(<DataTable caption="Things" rows={ROWS} columns={COLUMNS} rowKey={(row) => row.id} />);
  const head = screen.getByRole("button", { name: "Size" });
  await userEvent.click(head);
  expect(shown()).toEqual(["c", "b", "a"]);
  expect(screen.getByRole("columnheader", { name: "Size" })).toHaveAttribute("aria-sort", "ascending");
  await userEvent.click(head);
  expect(shown()).toEqual(["a", "b", "c"]);
  await userEvent.click(head);
  expect(shown()).toEqual(["b", "a", "c"]);
});

test("rows open by click and Enter, and arrows go between them; a button in a row keeps its click", async () => {
  const open = vi.fn();
  render(<DataTable caption="Things" rows={ROWS} columns={COLUMNS} rowKey={(row) => row.id} onOpen={open} />);
  await userEvent.click(screen.getByText("a"));
  expect(open).toHaveBeenLastCalledWith(ROWS[1]);
  await userEvent.click(screen.getByRole("button", { name: "drop b" }));
  expect(open).toHaveBeenCalledTimes(1);
  screen.getAllByRole("row")[1]?.focus();
  await userEvent.keyboard("{ArrowDown}{ArrowDown}{Enter}");
  expect(open).toHaveBeenLastCalledWith(ROWS[2]);
});

test("pages", async () => {
  render(<DataTable caption="Things" rows={ROWS} columns={COLUMNS} rowKey={(row) => row.id} pageSize={2} />);
  expect(shown()).toEqual(["b", "a"]);
  await userEvent.click(screen.getByRole("button", { name: "Next page" }));
  expect(shown()).toEqual(["c"]);
  expect(screen.getByText("3–3 of 3")).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Next page" })).toBeDisabled();
});

test("says what stands where there are no rows", () => {
  render(
    <DataTable caption="Things" rows={[]} columns={COLUMNS} rowKey={(row) => row.id} empty={<p>Nothing yet</p>} />,
  );
  expect(screen.getByText("Nothing yet")).toBeInTheDocument();
  expect(screen.queryByRole("table")).toBeNull();
});
