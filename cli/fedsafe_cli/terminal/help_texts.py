# SPDX-License-Identifier: Apache-2.0
r"""The help of commands, and what click says of their use, in the reader's language.

A help is written in English where its command is. Its entries in the catalogue are
its paragraphs; of a paragraph that click does not wrap (it begins with a line of
`\b`) its headings, and what stands after two spaces in the lines below one. All other
lines are examples, which stay as they are but for the words that stand for values
(`CASE`). Nothing of it is read before a help or a usage error is shown.

`tests.catalogue` walks over all commands and finds entries by the same functions, so
a help needs no mark.
"""

import gettext
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from inspect import cleandoc
from typing import Any, Final

import click

from fedsafe_cli.terminal.options import LANGUAGE, language_option
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import SOURCE, Phrase
from fedsafe_policies.ground.system_reasons import reason_of

CLICK: Final = "click"
"""Context of the entries of what click itself says."""
METAVAR: Final = "metavar"
"""Context of the words that stand for values, such as FILE."""
_UNWRAPPED: Final = "\b\n"
_COLUMNS: Final = re.compile(r"( +\S.*? {2,})(\S.*)")
_WORD: Final = re.compile(
    r"(?<![A-Za-z$_{\"])(?:(?:INTEGER|FLOAT) RANGE|[A-Z]{2,})(?![A-Za-z_}\"])"
)
_DOMAIN: Final = "messages"
"""gettext's own name for what click looks up."""

_OWN: Final = frozenset({"number_type", "param_type"})
"""Places of click's templates that its own words fill."""

Say = Callable[[str], str]
_speaks = SOURCE
_lists: dict[str, tuple[str, str]] = {}
_dgettext: Final = gettext.dgettext
_dngettext: Final = gettext.dngettext


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Let helps and usage errors be in a language meanwhile."""
    global _speaks  # noqa: PLW0603 - click's words have no other way to it
    before, _speaks = _speaks, language
    gettext.dgettext = _of_domain
    gettext.dngettext = _of_domain_counted
    try:
        yield
    finally:
        _speaks = before


def spoken(phrase: Phrase) -> str:
    """Say a phrase in the language of this process, for an error of click's."""
    return phrase.said(_speaks)


def misused(phrase: Phrase) -> click.UsageError:
    """Make the error of a command that is not used as it can be."""
    return click.UsageError(spoken(phrase))


def unfit(phrase: Phrase) -> click.BadParameter:
    """Make the error of a value that does not fit its option."""
    return click.BadParameter(spoken(phrase))


def listed(template: str, words: Iterable[str]) -> str:
    """Return an option's help with a list of codes at `{words}`.

    The entry in the catalogue is the template.
    """
    joined = ", ".join(words)
    text = template.format(words=joined)
    _lists[text] = template, joined
    return text


def retold(text: str, say: Say, name: Say) -> str:
    """Say a command's help by its entries, and its words for values by `name`."""
    blocks = cleandoc(text).split("\n\n")
    return "\n\n".join(
        _unwrapped(block, say, name)
        if block.startswith(_UNWRAPPED)
        else say(" ".join(block.split()))
        for block in blocks
    )


def option_entry(text: str) -> str:
    """Return the entry of an option's help."""
    return _lists[text][0] if text in _lists else text


def value_names(text: str, name: Say) -> str:
    """Say the words that stand for values in a usage line or an example."""
    return _WORD.sub(lambda found: name(found[0]), text)


class SpokenCommand(click.Command):
    """A command whose help is in the language of the process."""

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the pieces of the usage line."""
        return [_named(piece) for piece in super().collect_usage_pieces(ctx)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read what was typed, and name an argument as the usage line does."""
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as error:
            if error.param_hint is None and error.param is not None:
                error.param_hint = _named(error.param.get_error_hint(ctx))
            raise

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return --help, which is kept from whatever language was spoken first."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = gettext.gettext("Show this message and exit.")
        return option

    def format_help_text(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write what the command does."""
        with _Retold(self):
            super().format_help_text(ctx, formatter)

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the options."""
        options = (
            each for each in self.get_params(ctx) if isinstance(each, click.Option)
        )
        records = (_retold_option(each, ctx).get_help_record(ctx) for each in options)
        rows = [each for each in records if each is not None]
        if rows:
            with formatter.section(gettext.gettext("Options")):
                formatter.write_dl(rows)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Say in a line what the command does."""
        with _Retold(self):
            return super().get_short_help_str(limit)


class SpokenGroup(SpokenCommand, click.Group):
    """A group whose help, and that of all below it, is in the process's language."""

    command_class = SpokenCommand
    group_class = type

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 (click's)
        """Take --lang as well, for the help of a group."""
        super().__init__(*args, **options)
        if not any(LANGUAGE in each.opts for each in self.params):
            self.params.append(language_option(hidden=True))

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the options, then the commands."""
        SpokenCommand.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


class _Retold:
    """A command with its help in the language of the process, for a while."""

    def __init__(self, command: click.Command) -> None:
        self._command, self._english = command, command.help

    def __enter__(self) -> None:
        if self._english and _speaks != SOURCE:
            self._command.help = retold(self._english, _said, _name)

    def __exit__(self, *_: object) -> None:
        self._command.help = self._english


def _retold_option(option: click.Option, ctx: click.Context) -> click.Option:
    if _speaks == SOURCE:
        return option
    from copy import copy  # noqa: PLC0415 (only for a help in another language)

    told = copy(option)
    told.metavar = _named(option.make_metavar(ctx))
    if option.help:
        template, words = _lists.get(option.help, (option.help, ""))
        told.help = _said(template)
        if words:
            told.help = told.help.format(words=words)
    return told


def _unwrapped(block: str, say: Say, name: Say) -> str:
    lines = []
    for line in block.split("\n")[1:]:
        columns = _COLUMNS.fullmatch(line)
        if columns is not None:
            lines.append(value_names(columns[1], name) + say(columns[2]))
        elif line.startswith(" "):
            lines.append(value_names(line, name))
        else:
            lines.append(say(line))
    return _UNWRAPPED + "\n".join(lines)


def _said(text: str) -> str:
    return Phrase(text).said(_speaks)  # its entry is found by the walk over commands


def _name(word: str) -> str:
    return Phrase.within(METAVAR, word).said(_speaks)  # found like the helps


def _named(text: str) -> str:
    return text if _speaks == SOURCE else value_names(text, _name)


class _Template(str):
    """A template of click's that says the words in its places as well."""

    __slots__ = ()

    def format(self, *values: object, **named: object) -> str:
        for name in _OWN.intersection(named):
            named[name] = _click_word(named[name])
        return super().format(*values, **named)


def _click_word(word: object) -> object:
    if _speaks == SOURCE or not isinstance(word, str):
        return word
    return Phrase.within(CLICK, word).said(_speaks)  # found in click's own code


def _of_domain(domain: str, message: str) -> str:
    if domain != _DOMAIN:
        return _dgettext(domain, message)
    return _Template(_click_word(message)) if _speaks != SOURCE else message


def _of_domain_counted(domain: str, msgid1: str, msgid2: str, n: int) -> str:
    if domain != _DOMAIN:
        return _dngettext(domain, msgid1, msgid2, n)
    return _of_domain(domain, msgid1 if n == 1 else msgid2)


class ReadFile(click.File):
    """A file to read, or `-`; what is wrong with it is said in each language."""

    name = "file"

    def __init__(self) -> None:
        """Take its bytes."""
        super().__init__("rb")

    def convert(
        self,
        value: Any,  # noqa: ANN401 (click's)
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401
        """Open it.

        Raises:
            BadParameter: it cannot be read.
        """
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as wrong:
            if not isinstance(wrong.__context__, OSError):
                raise
            why = reason_of(wrong.__context__)
            file = printable(str(value)) or "''"
            fault = unfit(Phrase("{file}: {why}").filled(file=file, why=why))
            fault.param, fault.ctx = param, ctx
            raise fault from None
