"""A person who uses the console by keyboard alone."""

from playwright.sync_api import Locator, Page, expect


class Keys:
    """What is to be used must be reached with Tab, and show that it has the focus."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, target: Locator, *, back: bool = False) -> None:
        expect(target).to_be_visible()
        for _ in range(200):
            if target.evaluate("each => each === document.activeElement"):
                assert target.evaluate("each => each.matches(':focus-visible')"), target
                return
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"Tab does not come to {target}")

    def press(self, target: Locator, *, back: bool = False) -> None:
        self.reach(target, back=back)
        self.page.keyboard.press("Enter")

    def write(self, target: Locator, text: str) -> None:
        self.reach(target)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def open_node(self, name: str) -> Locator:
        """Finds a node by its name, selects it and opens its panel."""
        self.find(name)
        self.page.keyboard.press("Enter")
        panel = self.page.get_by_role("dialog", name=f"Node {name}")
        expect(panel).to_be_visible()
        return panel

    def find(self, name: str) -> None:
        self.page.keyboard.press("Control+f")
        self.choose(self.page.get_by_role("dialog", name="Find a node"), name)
        expect(self.page.locator(".react-flow__node.selected")).to_contain_text(name)

    def choose(self, dialog: Locator, name: str) -> None:
        expect(dialog.get_by_role("combobox")).to_be_focused()
        self.page.keyboard.insert_text(name)
        expect(dialog.get_by_role("option", selected=True)).to_contain_text(name)
        self.page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()

    def close(self, panel: Locator) -> None:
        self.page.keyboard.press("Escape")
        expect(panel).to_be_hidden()
