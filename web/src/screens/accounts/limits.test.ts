import { expect, test } from "vitest";
import type { Schemas } from "@/api/client";
import { changeOf, draftOf, fieldOf, GROUPS, looserIn, notNumbers, touched } from "./limits";

const limits: Schemas["RiskLimits"] = {
  max_lot: "0.5",
  max_notional: "60000",
  max_symbol_exposure: "120000",
  max_exposure: "200000",
  min_margin_level_pct: 300,
  max_price_distance_pct: 5,
  max_price_age_s: 10,
  max_orders_per_minute: 20,
  max_repeats: 5,
  repeat_window_s: 60,
  max_daily_loss_pct: 3,
  max_drawdown_pct: 10,
  symbols: ["EURUSD", "GBPUSD"],
  workflow: {
    max_lot: "0.5",
    max_notional: "60000",
    max_exposure: "120000",
    max_orders_per_minute: 10,
    max_daily_loss_pct: 2,
  },
  workflows: {},
};
const changed = (parts: Record<string, string>) => ({ ...draftOf(limits), ...parts });

test("the form shows every limit there is", () => {
  const shown = GROUPS.flatMap(({ fields }) => fields.map(({ name }) => name)).sort();
  const all = [
    ...Object.keys(limits).filter((name) => !name.startsWith("workflow")),
    ...Object.keys(limits.workflow).map((name) => `workflow.${name}`),
  ].sort();
  expect(shown).toEqual(all);
});

test("what nobody touched is not sent, however it is written", () => {
  expect(changeOf(limits, changed({ max_lot: "0.50", symbols: "EURUSD,GBPUSD", max_repeats: "5.0" }))).toEqual({});
});

test("a change names the touched fields alone, money and lots digit for digit", () => {
  const draft = changed({ max_lot: "0.123456789012345678", "workflow.max_daily_loss_pct": "1.5", symbols: "EURUSD" });
  expect(changeOf(limits, draft)).toEqual({
    max_lot: "0.123456789012345678",
    symbols: ["EURUSD"],
    workflow: { max_daily_loss_pct: 1.5 },
  });
});

test("what allows more is told, also where less is more", () => {
  const draft = changed({
    max_lot: "1",
    max_exposure: "1",
    min_margin_level_pct: "200",
    repeat_window_s: "90",
    symbols: "EURUSD, USDJPY",
    "workflow.max_lot": "0.6",
  });
  expect(looserIn(limits, draft)).toEqual(["max_lot", "symbols", "min_margin_level_pct", "workflow.max_lot"]);
});

test("an emptied field is touched and is no number", () => {
  const draft = changed({ max_lot: " ", max_repeats: "many" });
  expect(touched(limits, draft).map(({ name }) => name)).toEqual(["max_lot", "max_repeats"]);
  expect(notNumbers(draft)).toEqual(["max_lot", "max_repeats"]);
});

test("a server's error finds its field", () => {
  expect(fieldOf("limits.workflow.max_lot")).toBe("workflow.max_lot");
  expect(fieldOf("limits.symbols.0")).toBe("symbols");
  expect(fieldOf("reason")).toBeUndefined();
  expect(fieldOf(null)).toBeUndefined();
});
