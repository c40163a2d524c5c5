"""Mask personal data in rows where the person asks for it: mail addresses, phone numbers, and keys.

Phone numbers are found by libphonenumber's matcher, which needs to know the region whose national numbers are meant;
numbers that begin with + are found everywhere. Keys are found by their known beginnings and by their looks: a run of
twenty or more letters and digits in both cases. What is masked is replaced by `[mail]`, `[phone]` or `[key]`, so that
a sentence stays one. Names, streets and dates of birth are not masked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.core.errors import UsageError
from engine.data.rows import Row, make_chat, make_row

if TYPE_CHECKING:
    from phonenumbers import PhoneNumberMatch

_MAIL = re.compile(r"(?<![\w.+-])[\w.+%-]+(?:@|\s?\[at\]\s?|\s?\(at\)\s?)(?:[\w-]+\.)+[A-Za-z]{2,}(?![\w-])")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)", re.DOTALL)
_KNOWN_KEY = re.compile(
    r"\b(?:(?:sk|pk|rk)[-_](?:[A-Za-z]+[-_])*|gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox[a-z]-|xapp-|hf_|npm_|pypi-|dop_v1_"
    r"|AIza|A(?:KIA|SIA|BIA|CCA)|ya29\.|SG\.|eyJ[\w-]+\.|AccountKey=)[\w./+=-]{11,}[\w/+=]"
)
_NAMED_KEY = re.compile(
    r"(?i:\b(?:api[_ -]?key|access[_ -]?token|auth[_ -]?token|secret|password|passwd|bearer)\b)"
    r"[\"']?\s*(?::|=|\bis\b)?\s*[\"']?"
    r"(?P<key>[^\s\"',;]*\d[^\s\"',;]*[A-Za-z][^\s\"',;]*|[^\s\"',;]*[A-Za-z][^\s\"',;]*\d[^\s\"',;]*)"
)
_LONG_RUN = re.compile(r"(?<![\w/+=-])[A-Za-z0-9+/_=-]{20,}(?![\w/+=-])")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_AREA_CODE = re.compile(r"\d{3}[ .-]\d{3}[ .-]\d{4}")
_NO_PHONE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,3}(?:\.\d{1,3}){3}|97[89]-.*|\d+\.\d+|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_SEVEN_DIGITS = re.compile(r"(?:\d\D{0,3}){7}")


class Redactor:
    """Masks texts and rows, and counts what it masked by kind.

    `region` is the country whose national phone numbers are meant, as a two-letter code; raises UsageError for one that
    is unknown.
    """

    def __init__(self, region: str) -> None:
        import phonenumbers

        self.region = region.upper()
        if self.region not in phonenumbers.SUPPORTED_REGIONS:
            raise UsageError(f"{region!r} is no country code", where="--region", hint="two letters: --region GB")
        self.counts: Counter[str] = Counter()

    def row(self, row: Row) -> Row:
        """Return the row with everything masked, the row itself where there is nothing to mask."""
        before = self.counts.total()
        turns = [replace(turn, text=self.text(turn.text)) for turn in row.turns]
        prompt, response = ("", "") if turns else (self.text(row.prompt), self.text(row.response))
        common: dict[str, Any] = {name: getattr(row, name) for name in ("topic", "karma", "score", "stage", "source")}
        common["accept"] = tuple(map(self.text, row.accept))
        if self.counts.total() == before:
            return row
        return make_chat(turns, **common) if turns else make_row(prompt, response, kind=row.kind, **common)

    def text(self, text: str) -> str:
        """Return the text with mail addresses, phone numbers and keys masked."""
        if "PRIVATE KEY" in text:
            text = self._mask(_PRIVATE_KEY, text, "key")
        text = self._mask(_MAIL, text, "mail address")
        text = self._mask(_KNOWN_KEY, text, "key")
        text = self._mask(_NAMED_KEY, text, "key", where="key", only=_is_key)
        text = self._mask(_LONG_RUN, text, "key", only=_looks_random)
        return self._phones(text) if _SEVEN_DIGITS.search(text) else text

    def _mask(
        self, pattern: re.Pattern[str], text: str, kind: str, *, where: str = "", only: Callable[[str], bool] = bool
    ) -> str:
        def masked(found: re.Match[str]) -> str:
            whole = found[0]
            secret = found[where] if where else whole
            if not only(secret):
                return whole
            self.counts[kind] += 1
            return whole.replace(secret, _MASKS[kind])

        return pattern.sub(masked, text)

    def _phones(self, text: str) -> str:
        from phonenumbers import Leniency, PhoneNumberMatcher

        parts: list[str] = []
        at = 0
        for found in PhoneNumberMatcher(text, self.region, leniency=Leniency.POSSIBLE):
            before, after = text[max(0, found.start - 2) : found.start], text[found.end : found.end + 1]
            if re.search(r"\d[.,]?$|[\w@#/]$", before) or after.isalnum() or not self._is_dialled(found):
                continue
            parts += [text[at : found.start], _MASKS["phone number"]]
            at = found.end
            self.counts["phone number"] += 1
        return "".join((*parts, text[at:]))

    def _is_dialled(self, found: PhoneNumberMatch) -> bool:
        """Return whether the digits are written as one dials: other numbers are as long."""
        from phonenumbers import PhoneMetadata, is_valid_number

        written = found.raw_string
        if sum(map(str.isdigit, written)) < 7 or _NO_PHONE.fullmatch(written):
            return False
        if written.startswith(("+", "(", "0")) or _AREA_CODE.fullmatch(written):
            return True
        about = PhoneMetadata.metadata_for_region(self.region)
        # Where national numbers begin with 0, one that does not is a year, an amount, or the number of an order.
        return about is not None and about.national_prefix != "0" and is_valid_number(found.number)


_MASKS = {"mail address": "[mail]", "phone number": "[phone]", "key": "[key]"}


def _is_key(text: str) -> bool:
    return len(text) >= 6 and not text.startswith("[")


def _looks_random(run: str) -> bool:
    """Return whether a long run is more likely a key than a word, a path or an identifier."""
    if _UUID.fullmatch(run):
        return False
    digits = sum(map(str.isdigit, run))
    if re.fullmatch(r"[0-9a-f]{32,}|[0-9A-F]{32,}", run):
        return digits > 3
    pieces = [piece for piece in re.split(r"[-_/+=]", run) if piece]
    longest = max(pieces, key=len, default="")
    mixed = any(map(str.islower, longest)) and any(map(str.isupper, longest))
    return digits >= 3 and len(longest) >= 12 and mixed
