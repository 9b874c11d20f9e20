# SPDX-License-Identifier: Apache-2.0
"""What a page must be for everybody who reads it: axe's rules, and those it lacks.

Each check gives what is amiss, in words; an empty list is a page that is fit.
"""

from typing import TYPE_CHECKING, Any, Final

from tests.support.browser import SMALL, paint

if TYPE_CHECKING:
    from playwright.sync_api import Page

RULES: Final = (
    *("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"),
    "best-practice",
)
_HELPERS: Final = """
const rgb = text => {
  const c = (text.match(/[\\d.]+/g) || []).map(Number);
  return c.length < 4 ? [...c, 1] : c;
};
const light = c => {
  const part = v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  return 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
};
const ratio = (a, b) => {
  const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
};
const behind = node => {
  for (let at = node; at; at = at.parentElement) {
    const c = rgb(getComputedStyle(at).backgroundColor);
    if (c[3] > 0.99) return c;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? [0, 0, 0, 1]
    : [255, 255, 255, 1];
};
const seen = node => {
  const box = node.getBoundingClientRect();
  return box.width > 1 && box.height > 1 && node.checkVisibility();
};
const named = node => [
  node.tagName.toLowerCase(), node.id, node.className,
  JSON.stringify(node.textContent.trim().slice(0, 40))].filter(each => each).join(" ");
"""
_BORDERS: Final = """
const found = [];
for (const node of document.querySelectorAll(
    "input:not([type=hidden]), select, textarea, button, fieldset, dialog[open]")) {
  if (!seen(node)) continue;
  const style = getComputedStyle(node), around = behind(node.parentElement);
  const filled = rgb(style.backgroundColor);
  const edge = rgb(style.borderTopColor);
  const best = Math.max(
    parseFloat(style.borderTopWidth) >= 1 && edge[3] > 0.99 ? ratio(edge, around) : 0,
    filled[3] > 0.99 ? ratio(filled, around) : 0);
  if (best < 3) found.push(`border ${best.toFixed(2)}:1 ${named(node)}`);
  if (node.matches("button") && ratio(rgb(style.color),
      filled[3] > 0.99 ? filled : around) < 4.5) found.push(`text of ${named(node)}`);
}
return found;
"""
_TARGETS: Final = """
const found = [];
for (const node of document.querySelectorAll(
    "a[href], input:not([type=hidden]), select, textarea, button, summary")) {
  if (!seen(node) || node.matches(".skip")) continue;
  const whole = node.closest("label") || node;
  const box = whole.getBoundingClientRect();
  if (box.height >= 23.5 && box.width >= 23.5) continue;
  const around = node.parentElement.textContent.trim();
  const inLine = node.matches("a") && around.length > node.textContent.trim().length;
  const alone = box.height < 23.5 && inLine;
  if (!alone) found.push(`target ${box.width.toFixed(0)}x${box.height.toFixed(0)} `
    + named(node));
}
return found;
"""
_SPACED: Final = """
for (const node of document.body.querySelectorAll("*")) {
  node.style.setProperty("line-height", "1.5", "important");
  node.style.setProperty("letter-spacing", "0.12em", "important");
  node.style.setProperty("word-spacing", "0.16em", "important");
  if (node.matches("p")) node.style.setProperty("margin-bottom", "2em", "important");
}
const found = [];
for (const node of document.querySelectorAll("main *, header *, nav *")) {
  const style = getComputedStyle(node);
  if (!seen(node) || node.matches("select, option, optgroup, input, textarea, thead *"))
    continue;
  const cut = ["hidden", "clip"];
  if (cut.includes(style.overflowX) && node.scrollWidth > node.clientWidth + 1 ||
      cut.includes(style.overflowY) && node.scrollHeight > node.clientHeight + 1)
    found.push(`cut off: ${named(node)}`);
}
return found;
"""
_WIDTH: Final = """
const wide = document.documentElement.scrollWidth - innerWidth;
if (wide <= 0) return [];
const worst = [...document.body.querySelectorAll("*")].filter(
  node => node.getBoundingClientRect().right > innerWidth + 1).slice(-1)[0];
return [`${wide} px too wide: ${worst ? named(worst) : "?"}`];
"""
_FOCUS: Final = """
const node = document.activeElement;
if (!node || node === document.body) return null;
const style = getComputedStyle(node), box = node.getBoundingClientRect();
const found = [];
const edge = rgb(style.outlineColor);
if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2)
  found.push(`no focus: ${named(node)}`);
else {
  const best = ratio(edge, behind(node.parentElement));
  if (best < 3) found.push(`focus ${best.toFixed(2)}:1 ${named(node)}`);
}
const inside = (at, most) => Math.min(Math.max(at, 0), most - 1);
const x = inside(box.left + Math.min(box.width / 2, 40), innerWidth);
const y = inside(box.top + Math.min(box.height / 2, 12), innerHeight);
const top = document.elementFromPoint(x, y);
if (box.bottom < 0 || box.top > innerHeight || !top ||
    !(node.contains(top) || top.contains(node) || top.closest("label")?.contains(node)))
  found.push(`hidden in focus: ${named(node)}`);
return [named(node) + box.top, found];
"""
_MOTION: Final = """
return [...document.querySelectorAll("*")].filter(node => {
  const style = getComputedStyle(node);
  return style.animationName !== "none" ||
    style.transitionDuration.split(",").some(each => parseFloat(each) > 0.01);
}).slice(0, 3).map(node => `moves: ${named(node)}`);
"""
_FORCED: Final = """
const found = [];
for (const node of document.querySelectorAll(
    "button, input:not([type=hidden]), select, textarea, .state, .notice, .error")) {
  if (!seen(node) || node.matches("input[type=radio], input[type=checkbox]")) continue;
  const style = getComputedStyle(node);
  if (style.borderTopStyle === "none" || parseFloat(style.borderTopWidth) < 1)
    found.push(`no edge in forced colours: ${named(node)}`);
}
return found;
"""


def _run(page: "Page", body: str) -> Any:  # noqa: ANN401 - what a script returns
    return page.evaluate(f"() => {{ {_HELPERS} {body} }}")


def judged(page: "Page", most: int = 400) -> list[str]:
    """Say what is amiss of a page as it stands, and on its way by the Tab key."""
    return judged_by_axe(page) + edges(page) + targets(page) + focused(page, most)


def squeezed(page: "Page") -> list[str]:
    """Say what is amiss of it in own colours, in a small window and spaced.

    Its texts stay spaced.
    """
    paint(page, "light", wanted=True)
    found = moves(page) + forced(page)
    paint(page, "light")
    page.set_viewport_size({"width": SMALL[0], "height": SMALL[1]})
    return found + width(page) + targets(page) + spaced(page)


def judged_by_axe(page: "Page") -> list[str]:
    """Have axe-core judge a page."""
    from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

    options = {"resultTypes": ["violations"], "runOnly": list(RULES)}
    answer = Axe().run(page, options=options).response
    return [
        f"{each['id']}: {each['help']}: {node['html'][:160]}"
        for each in answer["violations"]
        for node in each["nodes"]
    ]


def edges(page: "Page") -> list[str]:
    """Say which control's border and which button's text is too pale."""
    return list(_run(page, _BORDERS))


def targets(page: "Page") -> list[str]:
    """Say what is too small to hit: under 24 pixels, and no link in a sentence."""
    return list(_run(page, _TARGETS))


def width(page: "Page") -> list[str]:
    """Say what makes a page wider than its window."""
    return list(_run(page, _WIDTH))


def spaced(page: "Page") -> list[str]:
    """Space the text as WCAG 1.4.12 has it, and say what is cut off then."""
    return list(_run(page, _SPACED)) + width(page)


def focused(page: "Page", most: int = 400) -> list[str]:
    """Go through a page by the Tab key; say what of it hides where one is."""
    found: list[str] = []
    seen: set[str] = set()
    for _ in range(most):
        page.keyboard.press("Tab")
        told = _run(page, _FOCUS)
        if told is None or told[0] in seen:
            break
        seen.add(told[0])
        found += told[1]
    return found


def moves(page: "Page") -> list[str]:
    """Say what moves, where somebody wants nothing to move."""
    return list(_run(page, _MOTION))


def forced(page: "Page") -> list[str]:
    """Say what has no edge where a reader's own colours are forced."""
    return list(_run(page, _FORCED))
