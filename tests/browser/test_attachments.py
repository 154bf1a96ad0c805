"""Files attached to a message, in a real browser: every way in, and where they stand."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from llama_ui.chat.export import from_json
from tests.browser.test_chat import READY, chat, more, send, wait_until_idle
from tests.documents import pdf, word

NOTES = b"The llama Bertha is nine.\n"
HERD = "".join(f"Llama number {n} weighs {n + 90} kilograms.\n" for n in range(900)).encode()
CHIPS, LINE, FAULT = "#attached .attachment", "#attached p", "#notice .fault"
DROP = """
([kind, name, text]) => {
    const files = new DataTransfer();
    files.items.add(new File([text], name));
    const event = new DragEvent(kind, {dataTransfer: files, bubbles: true, cancelable: true});
    document.querySelector('#transcript').dispatchEvent(event);
}
"""
PASTE = """
(text) => {
    const box = document.querySelector('#message textarea');
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', text);
    const event = new ClipboardEvent('paste', {clipboardData, bubbles: true, cancelable: true});
    if (box.dispatchEvent(event)) document.execCommand('insertText', false, text);
}
"""


@pytest.fixture
def page(app, open_page) -> Page:
    page = open_page(app.url)
    page.wait_for_selector(READY, timeout=60_000)
    return page


def attach(page: Page, **files: bytes) -> None:
    """Choose files by the button; `notes_txt` is notes.txt."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").click()
    named = {name.replace("_", "."): raw for name, raw in files.items()}
    chooser.value.set_files(
        [{"name": name, "mimeType": "", "buffer": raw} for name, raw in named.items()]
    )


def stored(page: Page) -> dict:
    """The only chat that the browser keeps."""
    [text] = page.evaluate(
        "Object.keys(localStorage).filter(k => k.startsWith('llama-ui:chat:'))"
        ".map(k => localStorage[k])"
    )
    return json.loads(text)["chat"]


def test_what_is_attached_stands_in_the_composer_the_message_and_the_prompt(page):
    attach(page, notes_txt=NOTES, report_pdf=pdf("Prices of wool"), letter_docx=word("Dear Ada"))
    expect(page.locator(CHIPS)).to_have_text(
        [re.compile(rf"{name}\d+ tokens") for name in ("notes.txt", "report.pdf", "letter.docx")]
    )
    page.click("#ring")
    expect(page.locator("#meter")).to_contain_text("attached")
    page.get_by_role("button", name="Remove letter.docx").click()
    expect(page.locator(CHIPS)).to_have_count(2)
    page.fill("#message textarea", "How old is Bertha?")
    page.click("#show-prompt")
    prompt = page.locator("#inspector .prompt")
    form = ("File: notes.txt", "```", "The llama Bertha is nine.", "File: report.pdf", "Prices of")
    for part in (*form, "How old is Bertha?"):
        expect(prompt).to_contain_text(part)
    page.keyboard.press("Escape")
    page.press("#message textarea", "Enter")
    wait_until_idle(page)
    expect(page.locator(CHIPS)).to_have_count(0)
    chips = page.locator("#transcript .turn.user .attachment")
    expect(chips).to_have_text([re.compile(r"notes.txt\d+ tokens"), re.compile("report.pdf")])
    page.reload()
    page.wait_for_selector(READY)
    expect(chips).to_have_text([re.compile(r"notes.txt\d+ tokens"), re.compile("report.pdf")])
    assert [a["text"] for a in stored(page)["nodes"][0]["attachments"]] == [
        NOTES.decode(),
        "Prices of wool",
    ]


def test_a_draft_keeps_its_files_over_a_reload_and_a_refusal(page):
    attach(page, notes_txt=NOTES)
    expect(page.locator(CHIPS)).to_have_count(1)
    page.reload()
    page.wait_for_selector(READY)
    expect(page.locator(CHIPS)).to_have_text(re.compile("notes.txt"))
    attach(page, herd_txt=HERD)
    send(page, "Read this.")
    expect(page.locator(FAULT)).to_contain_text("context window")
    expect(page.locator(CHIPS)).to_have_count(2)
    expect(page.locator("#message textarea")).to_have_value("Read this.")


def test_files_are_dropped_anywhere_on_the_page(page):
    page.evaluate(DROP, ["dragover", "a.csv", ""])
    expect(page.locator("#main")).to_have_class("dropping")
    page.evaluate(DROP, ["drop", "a.csv", "x,y\r\n1,2\r\n"])
    expect(page.locator("#main")).not_to_have_class("dropping")
    expect(page.locator(CHIPS)).to_have_text(re.compile("a.csv"))
    page.locator(CHIPS).click()
    assert page.locator("#attachment pre").text_content() == "x,y\n1,2\n"


def test_a_long_paste_can_be_attached_instead(page):
    box = page.locator("#message textarea")
    page.fill("#message textarea", "Before. ")
    page.evaluate(PASTE, "x" * 4000)
    page.wait_for_timeout(100)
    expect(page.locator(LINE)).to_have_count(0)
    page.fill("#message textarea", "Before. ")
    text = "one line\n" * 500
    page.evaluate(PASTE, text)
    expect(page.locator(LINE)).to_contain_text("You pasted 4,500 characters.")
    page.get_by_role("button", name="Attach as a file").click()
    expect(box).to_have_value("Before. ")
    expect(page.locator(CHIPS)).to_have_text(re.compile(r"pasted.txt"))
    expect(page.locator(LINE)).to_have_count(0)
    # What is pasted and then edited is a message as any other.
    page.evaluate(PASTE, text)
    expect(page.locator(LINE)).to_have_count(1)
    page.fill("#message textarea", "Something else")
    expect(page.locator(LINE)).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("photo_jpg", b"\xff\xd8\xff\xe0" * 9, "photo.jpg is not text in UTF-8."),
        ("data_bin", b"a\x00b", "data.bin is not text in UTF-8."),
        ("nothing_txt", b"", "nothing.txt is empty."),
        ("scan_pdf", pdf("", ""), "scan.pdf: There is no text in the file"),
        ("locked_pdf", pdf("a", password="b"), "locked.pdf: The PDF is locked with a password."),
        ("fake_pdf", b"MZ....", "fake.pdf: It is neither a PDF nor a .docx file."),
        ("large_txt", b"x" * 10_000_001, "large.txt is larger than 10 MB."),
        ("long_txt", b"x" * 500_001, "long.txt has 500,001 characters"),
    ],
)
def test_what_cannot_be_attached_is_said_and_the_rest_is(page, name, raw, said):
    attach(page, **{name: raw, "notes_txt": NOTES})
    expect(page.locator(FAULT)).to_contain_text(said, timeout=30_000)
    expect(page.locator(CHIPS)).to_have_text(re.compile("notes.txt"))


def test_no_more_than_ten(page):
    attach(page, **{f"n{n}_txt": NOTES for n in range(11)})
    expect(page.locator(FAULT)).to_contain_text("up to 10 files")
    expect(page.locator(CHIPS)).to_have_count(10)


def test_a_text_that_is_too_long_is_cut_as_its_sender_chooses(page):
    attach(page, herd_txt=HERD)
    expect(page.locator(LINE)).to_contain_text("too long for the context window")
    page.get_by_role("button", name="Matching passages").click()
    expect(page.locator(FAULT)).to_contain_text("Nothing is asked yet.")
    expect(page.locator(CHIPS)).to_contain_text("tokens")
    with page.expect_request("**/page/meter") as measuring:
        page.fill("#message textarea", "What does llama number 517 weigh?")
    # It is known not to fit, and not sent again at every pause of typing.
    assert len(measuring.value.post_data) < 1_000
    expect(page.locator(LINE)).to_contain_text("too long for the context window")
    page.get_by_role("button", name="Matching passages").click()
    chip = page.locator(CHIPS)
    expect(chip).to_have_text(re.compile(r"herd.txt \(\d+ of \d+ passages\)1,\d+ tokens"))
    expect(page.locator(LINE)).to_contain_text("Only a part is sent.")
    chip.click()
    marked = page.locator(".passage:has(input:checked)")
    right = page.locator(".passage", has_text="number 517 weighs")
    expect(right.locator("input")).to_be_checked()
    for passage in marked.all()[::-1]:
        if "number 517 " not in passage.inner_text():
            passage.click()
    expect(marked).to_have_count(1)
    page.keyboard.press("Escape")
    expect(chip).to_contain_text("herd.txt (1 of ")
    page.get_by_role("button", name="The beginning").click()
    expect(chip).to_have_text(re.compile(r"herd.txt \([2-9]\d* of "))
    page.click("#show-prompt")
    expect(page.locator("#inspector .prompt")).to_contain_text("Llama number 0 weighs 90")
    expect(page.locator("#inspector .prompt")).to_contain_text("[...]")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="All of it").click()
    expect(page.locator(LINE)).to_contain_text("too long")
    page.get_by_role("button", name="Matching passages").click()
    expect(page.locator(LINE)).to_contain_text("Only a part")
    page.press("#message textarea", "Enter")
    wait_until_idle(page)
    [attached] = stored(page)["nodes"][0]["attachments"]
    assert "Llama number 517 weighs 607 kilograms." in attached["text"]
    assert re.fullmatch(r"herd\.txt \(\d+ of \d+ passages\)", attached["name"])
    assert len(attached["text"]) < len(HERD) / 5


def test_the_text_of_a_file_is_never_markup(page):
    page.evaluate("window.hit = 0")
    attach(page, evil_html=b"<img src=x onerror='hit=1'><b>bold</b>")
    page.locator(CHIPS).click()
    expect(page.locator("#attachment pre")).to_contain_text("<b>bold</b>")
    assert page.locator("#attachment pre *").count() == 0
    page.keyboard.press("Escape")
    chat(page, "Hello")
    page.locator("#transcript .attachment").click()
    assert page.locator("#attachment pre *").count() == 0
    assert page.evaluate("window.hit") == 0


def test_exports_carry_attachments_and_undo_gives_them_back(page):
    attach(page, notes_txt=NOTES)
    expect(page.locator(CHIPS)).to_have_count(1)
    chat(page, "Hello")
    with page.expect_download() as waiting:
        page.get_by_text("Export and import").click()
        page.get_by_role("button", name="Export this chat (JSON)").click()
    text = Path(waiting.value.path()).read_text(encoding="utf-8")
    [kept], _ = from_json(text)
    assert kept.nodes[0].attachments[0].text == NOTES.decode()
    file = {"name": "chats.json", "mimeType": "application/json", "buffer": text.encode()}
    page.locator("#sidebar input[type=file]").set_input_files([file])
    expect(page.locator("#sidebar .title")).to_have_count(2)
    page.locator("#sidebar .title").first.click()
    expect(page.locator("#transcript .attachment")).to_have_text(re.compile("notes.txt"))
    more(page, "undo")
    expect(page.locator(CHIPS)).to_have_text(re.compile("notes.txt"))


def test_fingers_and_keys_reach_it(app, browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = context.new_page()
    page.goto(app.url)
    page.wait_for_selector(READY)
    attach(page, herd_txt=HERD)
    expect(page.locator(LINE)).to_contain_text("too long")
    for button in page.locator("#attach, #attached button").all():
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 40
        assert button.get_attribute("title")
    page.fill("#message textarea", "number 7")
    for label in ("The beginning", "Matching passages", "Remove herd.txt", "herd.txt, 12,490"):
        page.keyboard.press("Shift+Tab")
        if label.startswith("The"):
            page.keyboard.press("Shift+Tab")  # the paper clip
        assert label in page.evaluate(
            "document.activeElement.ariaLabel || document.activeElement.innerText"
        )
    page.keyboard.press("Enter")
    expect(page.locator("#attachment")).to_be_visible()
    context.close()
