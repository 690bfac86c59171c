/** Hands a file to the browser's downloads. */
export function saveFile(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // A browser that asks where to put it reads it only after the answer.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
