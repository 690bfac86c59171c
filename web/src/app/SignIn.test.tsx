import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { forgetToken, token } from "@/api/token";
import { SignIn } from "./SignIn";

afterEach(() => {
  vi.unstubAllGlobals();
  forgetToken();
});

async function give(text: string) {
  render(<SignIn />);
  await userEvent.type(screen.getByLabelText("Token"), text);
  await userEvent.click(screen.getByRole("button", { name: "Open" }));
}

test("a token that the server does not know is not kept", async () => {
  vi.stubGlobal("fetch", async () => new Response("{}", { status: 401 }));
  await give("wrong");
  expect(await screen.findByRole("alert")).toHaveTextContent("not this machine's");
  expect(token()).toBe("");
});

test("a good token is kept for this tab", async () => {
  vi.stubGlobal("fetch", async () => new Response("{}", { status: 200 }));
  await give(" good ");
  await vi.waitFor(() => expect(token()).toBe("good"));
});
