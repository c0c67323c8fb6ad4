"""Personal data goes, everything else stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.mask import mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Mon IBAN FR76 3000 6000 0112 3456 7890 189 merci", "Mon IBAN ⟨iban⟩ merci"),
        ("fr7630006000011234567890189.", "⟨iban⟩."),
        ("an DE89370400440532013000 bitte", "an ⟨iban⟩ bitte"),
        ("BE68-5390-0754-7034", "⟨iban⟩"),
        ("carte 4111 1111 1111 1111 refusée", "carte ⟨card⟩ refusée"),
        ("4111-1111-1111-1111", "⟨card⟩"),
        ("amex 378282246310005", "amex ⟨card⟩"),
        ("appelez le 06 12 34 56 78", "appelez le ⟨phone⟩"),
        ("0612345678 ou 06.12.34.56.79", "⟨phone⟩ ou ⟨phone⟩"),
        ("+33 (0)6 12 34 56 78", "⟨phone⟩"),
        ("0033612345678", "⟨phone⟩"),
        ("call +44 7911 123456", "call ⟨phone⟩"),
        ("jean.dupont@example.com svp", "⟨email⟩ svp"),
        ("jean.dupont at gmail dot com", "⟨email⟩"),
        ("jean [at] example.fr", "⟨email⟩"),
        ("je m'appelle Jean Dupont et je suis client", "je m'appelle ⟨name⟩ et je suis client"),
        ("Je m’appelle marie et", "Je m’appelle ⟨name⟩ et"),
        ("my name is John Smith, hello", "my name is ⟨name⟩, hello"),
        ("Merci.\nCordialement,\nJean Dupont", "Merci.\nCordialement,\n⟨name⟩"),
        ("Fix it. Best regards, Mary W.", "Fix it. Best regards, ⟨name⟩"),
        ("grâce à Mme Durand", "grâce à Mme ⟨name⟩"),
    ],
)
def test_personal_data_becomes_a_mark(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "erreur 1009",
        "code 12345",
        "5/5",
        "20/20 !",
        "1 000 000 € sur mon compte",
        "12 345,67 euros",
        "version 7.2.1 du 01/02/2021 12:30",
        "2021-01-05 10:22:33",
        "le 01.02.2023 à 10h",
        "depuis 10 12 2020",
        "iOS 17.2.1 iPhone 15",
        "1234567890123456",  # the right length for a card, but not its check digit
        "FR76 3000 6000 0112 3456 7890 188",  # one digit away from an IBAN
        "my name is not recognised",
        "je m'appelle pas",
        "look at amazon.com",
        "Cordialement, une cliente",
        "Madame, Monsieur, bonjour",
        "",
    ],
)
def test_the_rest_stays(text: str) -> None:
    assert mask(text) == text


def test_a_french_rib_is_masked_by_its_key() -> None:
    bank, branch, account = "30004", "00001", "00000123456"
    key = 97 - (89 * int(bank) + 15 * int(branch) + 3 * int(account)) % 97
    assert mask(f"RIB {bank} {branch} {account} {key:02d} ok") == "RIB ⟨iban⟩ ok"
    assert "⟨iban⟩" not in mask(f"RIB {bank} {branch} {account} {key % 97 + 1:02d} ok")


FRAGMENTS = st.sampled_from(
    [
        "FR76 3000 6000 0112 3456 7890 189",
        "4111111111111111",
        "06 12 34 56 78",
        "a@b.fr",
        "je m'appelle Jean",
        "+33",
        "0",
    ]
)


@given(st.lists(st.one_of(FRAGMENTS, st.text(max_size=12)), max_size=8))
def test_masking_twice_changes_nothing(pieces: list[str]) -> None:
    once = mask(" ".join(pieces))
    assert mask(once) == once


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ["a", "1", "0 ", "a.", "FR76 ", "1-", "+1 ", "je m'appelle ", "@", "a at ", "M. A "])
def test_long_texts_do_not_hang(unit: str) -> None:
    assert isinstance(mask(unit * (100_000 // len(unit))), str)
