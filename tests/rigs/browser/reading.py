"""What a person finds and does on a page."""

from playwright.sync_api import Locator, Page

PAPER = ("/poster", "/flyer", "/table-card", "/door-sign")
PAGES = (
    "/",
    *PAPER,
    "/chat",
    "/chat/earlier",
    "/announcements",
    "/mail",
    "/mail/set-up",
    "/config",
    "/health",
    "/no-such-page",
)
NARROW = {"width": 360, "height": 740}
TELL_BROKEN_WORDS = """() => [...document.querySelectorAll("button, .button")].flatMap((button) => {
    const texts = document.createTreeWalker(button, NodeFilter.SHOW_TEXT), found = [];
    while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/[^\\s-]+/g)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, word.index);
        range.setEnd(texts.currentNode, word.index + word[0].length);
        if (new Set([...range.getClientRects()].map((box) => box.top)).size > 1) found.push(word[0]);
    }
    return found;
})"""


def press(page: Page, name: str) -> None:
    """Presses a button by its exact name."""
    page.get_by_role("button", name=name, exact=True).click()


def message(page: Page) -> Locator:
    """The message at the top of the page."""
    return page.locator("main > .message")


def offered_models(page: Page) -> Locator:
    """The models that the field offers."""
    return page.locator("datalist#models option")


def assert_fits(page: Page) -> None:
    """Asserts that nobody has to scroll sideways and no button breaks a word over two lines."""
    wide, room = page.evaluate("() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert wide <= room, f"{page.url} is {wide} px wide in a window of {room}"
    broken = page.evaluate(TELL_BROKEN_WORDS)
    assert broken == [], f"{page.url} breaks {broken} in a window of {room} px"


def question(page: Page) -> Locator:
    """The field for the next question."""
    return page.get_by_label("Your question")


def reply(page: Page) -> Locator:
    """The text of the last reply."""
    return page.locator(".reply .said").last


def phase(page: Page) -> Locator:
    """The line that shows the progress of a reply."""
    return page.locator(".phase")


def send(page: Page, text: str) -> None:
    """Asks a question."""
    question(page).fill(text)
    press(page, "Send")
