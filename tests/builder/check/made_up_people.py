"""People who do not exist, as programs write them: names, dates, numbers, folders and logins."""

import random
from collections.abc import Callable
from dataclasses import dataclass

# Given and family names of a dozen languages, in their own letters and as they are transcribed.
NAMES = (
    ("Mary Jane", "O'Brien"), ("John", "Smith"), ("Jörg", "Müller"), ("Lotte", "Strauß"),
    ("François", "Lefèvre"), ("Anne-Marie", "du Pré"), ("José", "García Núñez"),
    ("Inês", "Gonçalves"),
    ("Łukasz", "Wójcik"), ("Žofie", "Dvořáková"), ("Søren", "Ågård"), ("Björk", "Guðmundsdóttir"),
    ("Иван", "Иванов"), ("Олена", "Шевченко"), ("Ελένη", "Παπαδοπούλου"), ("太郎", "山田"),
    ("伟", "王"), ("민준", "김"), ("محمد", "الخطيب"), ("דוד", "כהן"), ("Nguyễn", "Văn An"),
    ("Wei", "Li"), ("Priya", "Iyer"), ("Ngozi", "Okonkwo"), ("Colin", "Grant"), ("Bert", "Test"),
)  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LOGINS = ("ada", "jsmith", "m.mueller", "lefevre2", "a-garcia", "x123456", "Ada Lovelace")


@dataclass(frozen=True, slots=True)
class Trait:
    """Something that gives a person away: what the checks should find, with a label or without."""

    code: str
    labels: tuple[str, ...]
    spell: Callable[[random.Random], str]


def _caret(chance: random.Random) -> str:
    given, family = chance.choice(NAMES)
    name = f"{family}^{given}"
    return chance.choice((name, name.upper(), f"{name}^^Dr", f"{name}^M"))


def _name(chance: random.Random) -> str:
    given, family = chance.choice(NAMES)
    forms = (f"{given} {family}", f"{family}, {given}", f"{family} {given}", f"{family}_{given}")
    return chance.choice((*forms, _caret(chance)))


def _plain(chance: random.Random) -> str:
    return " ".join(chance.choice(NAMES))


def _date(first: int, last: int) -> Callable[[random.Random], str]:
    def spell(chance: random.Random) -> str:
        year, month, day = chance.randint(first, last), chance.randint(1, 12), chance.randint(1, 28)
        name = _MONTHS[month - 1]
        return chance.choice(
            (
                f"{year}{month:02}{day:02}",
                f"{year}-{month:02}-{day:02}",
                f"{year}/{month:02}/{day:02}",
                f"{day:02}.{month:02}.{year}",
                f"{day}.{month}.{year % 100:02}",
                f"{month}/{day}/{year}",
                f"{day} {name} {year}",
                f"{day:02}-{name.upper()}-{year}",
                f"{name} {day}, {year}",
            )
        )

    return spell


def _moment(chance: random.Random) -> str:
    time = f"{chance.randint(8, 19):02}:{chance.randint(0, 59):02}:{chance.randint(0, 59):02}"
    return (
        f"{chance.randint(1996, 2025)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T{time}"
    )


def _number(chance: random.Random) -> str:
    digits = str(chance.randint(10**5, 10**9))
    letters = "".join(chance.choices("ABCDEFGHKLMNPRSTUVWXYZ", k=2))
    ssn = f"{chance.randint(100, 899)}-{chance.randint(10, 99)}-{chance.randint(1000, 9999)}"
    return chance.choice(
        (digits, f"MRN-{digits}", f"{letters}{digits}", f"{digits}-{letters}", ssn)
    )


def _accession(chance: random.Random) -> str:
    return f"{chance.choice(('', 'A', 'MR', '2019-'))}{chance.randint(10**5, 10**9)}"


def _uid(chance: random.Random) -> str:
    device, series = chance.randint(10**4, 10**6), chance.randint(10**8, 10**12)
    return f"1.3.12.2.1107.5.2.{chance.randint(10, 99)}.{device}.3000{series}"


def _home(chance: random.Random) -> str:
    login = chance.choice(_LOGINS)
    return chance.choice(
        (
            f"/home/{login}/x.nii",
            f"/nfs/home/{login}/x.nii",
            f"/homes/4/{login}/x.nii",
            f"file:///home/{login}/x",
            f"/Users/{login}/x.nii",
            f"C:\\Users\\{login}\\x.nii",
            f"d:/Users/{login}/x.nii",
            f"C:\\Documents and Settings\\{login}\\x",
            f"\\\\server\\home\\{login}\\x",
        )
    )


def _login(chance: random.Random) -> str:
    login = chance.choice(_LOGINS).replace(" ", "")
    return chance.choice(
        (
            f"[{login}@host.example.org: Mon Jan  6 2020] 3dcalc",
            f"[{login}@lab-1: Mon] 3dcopy",
            f"User: {login}  Machine: lab-1  Platform: Linux",
            f"created by {login} on Mon Jan  6 2020",
        )
    )


TRAITS = {
    "a name with its label": Trait(
        "privacy-person",
        ("PatientName", "Patient's Name", "OtherPatientNames", "patient_name"),
        _name,
    ),
    "a name in DICOM's form": Trait("privacy-person", (), _caret),
    "a date of birth": Trait(
        "privacy-person",
        ("PatientBirthDate", "DOB", "Date of birth", "birth_date", "Geburtsdatum"),
        _date(1930, 2015),
    ),
    "a patient's number": Trait(
        "privacy-person", ("PatientID", "Patient ID", "MRN", "OtherPatientIDs"), _number
    ),
    "a date of an examination": Trait(
        "privacy-session", ("StudyDate", "AcquisitionDate", "Acquisition Date"), _date(1996, 2025)
    ),
    "the time of one": Trait("privacy-session", ("AcquisitionDateTime", "acq_time"), _moment),
    "a number of one": Trait("privacy-session", ("AccessionNumber",), _accession),
    "a UID of one": Trait("privacy-session", ("StudyInstanceUID", "SeriesInstanceUID"), _uid),
    "a home directory": Trait("privacy-account", (), _home),
    "a login": Trait("privacy-account", (), _login),
    "a name with nothing to say so": Trait("privacy-person", (), _plain),
}
"""What is tried; the last is what no sign can see."""
