import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it } from "vitest";
import { MOST_BYTES, UploadDialog } from "./UploadDialog";

const show = () =>
  render(
    <QueryClientProvider client={new QueryClient()}>
      <UploadDialog open onClose={() => {}} onModel={() => {}} />
    </QueryClientProvider>,
  );
const onnx = (bytes: number) => new File([new Uint8Array(bytes)], "momentum.onnx");

it("names the model after its file, and sends none that is too large, misnamed or for no horizon", async () => {
  const user = userEvent.setup();
  show();
  const send = screen.getByRole("button", { name: "Upload" });
  expect(send).toBeDisabled();

  await user.upload(screen.getByLabelText("ONNX file"), onnx(MOST_BYTES + 1));
  expect(screen.getByText("The file is too large for the console.")).toBeVisible();
  expect(send).toBeDisabled();

  await user.upload(screen.getByLabelText("ONNX file"), onnx(MOST_BYTES));
  expect(screen.getByLabelText("Name")).toHaveValue("momentum");
  expect(send).toBeEnabled();

  await user.type(screen.getByLabelText("Name"), "/other");
  expect(send).toBeDisabled();
  await user.clear(screen.getByLabelText("Name"));
  await user.type(screen.getByLabelText("Name"), "other");
  await user.type(screen.getByLabelText("Horizon"), "000");
  expect(screen.getByText("1 to 200 bars.")).toBeVisible();
  expect(send).toBeDisabled();
});
