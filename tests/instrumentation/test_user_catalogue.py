from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeytrace.catalogue import Pair, Role, builtin_catalogue, load_catalogue
from journeytrace.conventions import Decision, Impact
from journeytrace.errors import CatalogueError

if TYPE_CHECKING:
    from collections.abc import Callable

    UserFile = Callable[[str], Path]

BUILTIN = builtin_catalogue().ordered_stages
NEW = '[events.PET_CHECK]\nsource = "BE"\nimpact = "RETAKE"\nmeaning = "Is there a pet?"\n'


def test_it_adds_stages_events_and_reasons(user_file: UserFile) -> None:
    """A journey of one's own needs nothing but a file."""
    catalogue = load_catalogue(
        user_file(
            '[stages.PETS]\nafter = "POST"\n[stages.TOYS]\n'
            + NEW
            + 'stage = "PETS"\nrole = "resume"\npair = "STEP_VIEW"\n'
            + '[reasons.PENDING.PET_ASLEEP]\nstages = ["PETS"]\nmeaning = "It sleeps."\n'
        )
    )
    spec = catalogue.events["PET_CHECK"]
    assert (spec.stage, spec.role, spec.pair, spec.is_check) == (
        "PETS",
        Role.RESUME,
        "STEP_VIEW",
        True,
    )
    assert catalogue.ordered_stages[-1] == "PETS"
    assert catalogue.stages["TOYS"] is None
    assert catalogue.reasons[Decision.PENDING, "PET_ASLEEP"].stages == ("PETS",)
    assert len(catalogue.events) == len(builtin_catalogue().events) + 1


def test_it_overrides_single_keys(user_file: UserFile) -> None:
    """What the file leaves out stays as it was."""
    catalogue = load_catalogue(
        user_file(
            '[events.STEP_VIEW]\nimpact = "BLOCKED"\n'
            '[reasons.REJECTED.AGE_LIMIT]\nmeaning = "Too young."\n'
        )
    )
    old = builtin_catalogue().events["STEP_VIEW"]
    new = catalogue.events["STEP_VIEW"]
    assert new.impact is Impact.BLOCKED
    assert (new.source, new.stage, new.meaning, new.role) == (
        old.source,
        old.stage,
        old.meaning,
        old.role,
    )
    assert catalogue.reasons[Decision.REJECTED, "AGE_LIMIT"].stages == ("STEP2",)


def test_an_empty_string_takes_an_optional_key_away(user_file: UserFile) -> None:
    """Stage, role and pair can be removed."""
    text = '[events.SESSION_REUSED]\nstage = ""\nrole = ""\npair = ""\n'
    spec = load_catalogue(user_file(text)).events["SESSION_REUSED"]
    assert (spec.stage, spec.role, spec.pair) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ('[stages.DEVICE]\nafter = "ENTRY"', "ENTRY DEVICE PRE_CHECKS STEP1"),
        ('[stages]\nB = { after = "ENTRY" }\nA = { after = "ENTRY" }', "ENTRY B A PRE_CHECKS"),
        ('[stages]\nA = { after = "B" }\nB = { after = "ENTRY" }', "ENTRY B A PRE_CHECKS"),
        (
            '[stages]\nA = { after = "ENTRY" }\nB = { after = "ENTRY" }\nC = { after = "A" }',
            "ENTRY A C B PRE_CHECKS",
        ),
        ("[stages.HELLO]\nfirst = true", "HELLO ENTRY PRE_CHECKS"),
        ('[stages.STEP2]\nafter = "STEP1"', "ENTRY PRE_CHECKS STEP1 STEP2 PRE_STEP2 DECISION POST"),
        ('[stages.PRE_STEP2]\nafter = ""', "ENTRY PRE_CHECKS STEP1 STEP2 DECISION POST"),
        ('[stages.CAMERA]\nafter = "STEP1"', "ENTRY PRE_CHECKS STEP1 CAMERA PRE_STEP2"),
        ('[stages]\nENTRY = { after = "STEP1" }', "PRE_CHECKS STEP1 ENTRY PRE_STEP2"),
    ],
)
def test_a_stage_stands_behind_the_one_that_it_names(
    user_file: UserFile, text: str, order: str
) -> None:
    """A stage is put in, moved or taken out, and all others keep their order without a number."""
    stages = load_catalogue(user_file(text)).ordered_stages
    assert " ".join(stages).startswith(order)
    assert [load_catalogue(user_file(text)).rank(stage) for stage in stages] == list(
        range(len(stages))
    )


@given(st.dictionaries(st.sampled_from("ABCD"), st.sampled_from([*"ABCD", "ENTRY", "POST"])))
@settings(max_examples=50, deadline=None)
def test_whatever_stands_behind_what_the_order_is_total(anchors: dict[str, str]) -> None:
    """Every stage comes behind the one that it names and the others stay; or a circle is told."""
    lines = [f'{name} = {{ after = "{anchor}" }}' for name, anchor in anchors.items()]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "own.toml"
        path.write_text("\n".join(["[stages]", *lines]))
        try:
            order = load_catalogue(path).ordered_stages
        except CatalogueError:
            assert any(_circles(name, anchors) for name in anchors)
            return
    assert tuple(stage for stage in order if stage not in anchors) == BUILTIN
    assert len(order) == len(set(order)) == len(BUILTIN) + len(anchors)
    assert all(order.index(anchor) < order.index(name) for name, anchor in anchors.items())


def _circles(name: str, anchors: dict[str, str]) -> bool:
    """Whether the way from a stage to what it stands behind never gets to a built-in one."""
    for _ in anchors:
        name = anchors.get(name, name)
    return name not in BUILTIN


def test_stages_of_a_second_file_build_on_the_first(user_file: UserFile) -> None:
    """A file that is laid over another one can put a stage behind the other's."""
    first = load_catalogue(user_file('[stages.DEVICE]\nafter = "ENTRY"'))
    second = load_catalogue(user_file('[stages.SIM]\nafter = "DEVICE"'), first)
    assert second.ordered_stages[:4] == ("ENTRY", "DEVICE", "SIM", "PRE_CHECKS")


def test_a_code_has_a_meaning_and_a_page(user_file: UserFile) -> None:
    """Error codes of any pattern are the user's own, and none is built in."""
    assert builtin_catalogue().error_codes == {}
    codes = load_catalogue(
        user_file(
            '[error_codes.QS-10001]\nmeaning = "The ID\\n is blurred."\n'
            'page = "https://help.example/QS-10001?lang=en#retry"\n'
            '[error_codes."page.not.found"]\nmeaning = "No such page."\n'
        )
    ).error_codes
    assert codes["QS-10001"].meaning == "The ID is blurred."
    assert codes["QS-10001"].page == "https://help.example/QS-10001?lang=en#retry"
    assert codes["page.not.found"].page is None


def test_files_stack(user_file: UserFile) -> None:
    """A file can build on a catalogue that was loaded before."""
    first = load_catalogue(user_file(NEW))
    second = load_catalogue(user_file('[events.PET_CHECK]\nimpact = "BLOCKED"\n'), first)
    assert second.events["PET_CHECK"].impact is Impact.BLOCKED
    assert first.events["PET_CHECK"].impact is Impact.RETAKE


def test_an_empty_file_changes_nothing(user_file: UserFile) -> None:
    """The built-in catalogue stays as it is."""
    assert load_catalogue(user_file("")) == builtin_catalogue()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('[events.NOTE_ADDED]\nmeaning = "m"', "NOTE_ADDED belongs to what people do at the desk"),
        ('[stages.REVIEW]\nafter = "POST"', "stages.REVIEW belongs … give your stage another name"),
        ('[events.STEP_VIEW]\nsource = "OP"', 'source is "OP" … Write one of: FE, BE'),
        (
            '[events.X]\nrole = "verdict_approve"\nsource = "BE"\nimpact = "NONE"\nmeaning = "m"',
            'X.role is "verdict_approve", which is not known',
        ),
        ("[event.X]", 'event is no key of this table; did you mean "events"? Write one of: stages'),
        ('[events.STEP_VIEW]\nsorce = "FE"', 'events.STEP_VIEW.sorce is no key …  "source"?'),
        ('[events.STEP_VIEW]\nsource = "fe"', 'events.STEP_VIEW.source is "fe" … "FE"?'),
        ("[events.STEP_VIEW]\nsource = 1", "source is an integer; write one of FE, BE"),
        ('[events.STEP_VIEW]\nimpact = "RETKE"', 'impact is "RETKE" … did you mean "RETAKE"?'),
        ('[events.STEP_VIEW]\nrole = "finish"', "STEP_VIEW.role … Write one of: create, complete"),
        ('[events.STEP_VIEW]\nstage = "STEP3"', 'stage is "STEP3" … did you mean "STEP'),
        ('[events.STEP_VIEW]\npair = "STEP1_ENTER"', 'did you mean "STEP1_ENTERED"?'),
        ('[events.STEP_VIEW]\npair = "?"', "pair is … ; write one of the 115 known names"),
        ('[events.STEP_VIEW]\nmeaning = "  "', "STEP_VIEW.meaning is empty; write a string"),
        ("[events.STEP_VIEW]\nmeaning = 2026-01-01", "meaning is a date or time; write a string"),
        ("[events.STEP_VIEW]\nmeaning = true", "meaning is a boolean; write a string"),
        ('[events.X]\nsource = "BE"', "events.X.impact is missing; write one of NONE, BLOCKED"),
        ('[events]\nX = "BE"', "events.X is a string, not a table; write [events.X]"),
        ('[events." X"]', "events. X is no usable name; write 1 to 128 printable"),
        ("events = 1", "events is an integer, not a table"),
        ("[stages]\nENTRY = 3", "stages.ENTRY is an integer, not a table"),
        ("[stages.NEW]\norder = 3", 'stages.NEW.order is no key any more; write after = "…"'),
        ('[stages.NEW]\nafter = "ENTRI"', 'stages.NEW.after is "ENTRI" … mean "ENTRY"? Write one'),
        (
            '[stages.NEW]\nafter = "CAMERA"',
            'is "CAMERA", but stage "CAMERA" has no place',
        ),
        ('[stages.NEW]\nafter = "NEW"', "NEW.after … goes in a circle (NEW after NEW); break it"),
        (
            '[stages]\nA = { after = "B" }\nB = { after = "C" }\nC = { after = "B" }',
            "stages.A.after … (A after B after C after B) … Write one of: ENTRY, PRE_CHECKS",
        ),
        ('[stages]\nENTRY = { after = "N" }\nN = { after = "ENTRY" }', "(ENTRY after N after EN"),
        ('[stages.NEW]\nfirst = true\nafter = "ENTRY"', "NEW.first and after stand together"),
        ('[stages.NEW]\nfirst = "yes"', "stages.NEW.first is a string; write true or leave it out"),
        ("[stages.NEW]\nafter = 3", "stages.NEW.after is an integer; write one of ENTRY"),
        ("[error_codes.E1]", "error_codes.E1.meaning is missing; write a string in quotes"),
        (
            '[error_codes.E.1]\nmeaning = "m"',
            'error_codes.E.1 is no key … part of a name, write [error_codes."E.1"]). Write one of',
        ),
        ('[error_codes.E1]\nmeening = "m"', 'E1.meening is no key … did you mean "meaning"?'),
        (
            f'[error_codes.E1]\nmeaning = "{"m" * 501}"',
            "error_codes.E1.meaning has 501 characters; write at most 500",
        ),
        (
            '[error_codes.E1]\nmeaning = "m"\npage = "javascript:alert(1)"',
            "error_codes.E1.page is no address of the web; write one that begins with https://",
        ),
        ('[error_codes.E1]\nmeaning = "m"\npage = "https://"', "E1.page is no address of the web"),
        (
            '[error_codes.E1]\nmeaning = "m"\npage = "http://a b"',
            "E1.page is no address of the web",
        ),
        (
            f'[error_codes.E1]\nmeaning = "m"\npage = "https://a/{"p" * 2000}"',
            "error_codes.E1.page has 2010 characters; write at most 2000",
        ),
        ("[reasons.APPROVED.X]", "reasons.APPROVED is no key … Write one of: REJECTED, PENDING"),
        ('[reasons.PENDING.X]\nmeaning = "m"', "reasons.PENDING.X.stages is missing; write a list"),
        ('[reasons.PENDING.X]\nstages = "STEP1"', "X.stages is a string; write a list"),
        ('[reasons.PENDING.X]\nstages = ["STEP2", 1]', "X.stages[1] is an integer; write one"),
        ('[reasons.PENDING.X]\nstages = ["STEP3"]', 'X.stages[0] is "STEP3" … "STEP'),
        ('[reasons.PENDING.X]\nstages = ["STEP2"]', "PENDING.X.meaning is missing; write a string"),
        ("a = 1\nb = \nc = 3", "is not valid TOML: … line 2"),
        ("[stages]\n\nb = [", "is not valid TOML: … line 3"),
    ],
)
def test_a_faulty_file_is_told_how_to_mend_it(
    user_file: UserFile, text: str, complaint: str
) -> None:
    """The message has the file, the key's path, what is wrong and what to write."""
    path = user_file(text)
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    for part in complaint.split(" … "):
        assert part.strip() in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path that leads nowhere is a CatalogueError too."""
    with pytest.raises(CatalogueError, match=r"nowhere.toml: cannot be read: No such file"):
        load_catalogue(tmp_path / "nowhere.toml")


def test_a_file_in_another_encoding_is_told_its_line(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 are found by line."""
    path = tmp_path / "latin.toml"
    path.write_bytes(b'[events.X]\nmeaning = "\xe4"\n')
    with pytest.raises(CatalogueError, match="line 2 is not UTF-8"):
        load_catalogue(path)


PHONE = '[events.ASK_PHONE]\nsource = "FE"\nimpact = "NONE"\nmeaning = "Asked."\n'


def test_a_pair_of_ones_own_is_named_once(user_file: UserFile) -> None:
    """It is enough that one of two names the other, and the stage is the one with a place."""
    text = f'{NEW}stage = "STEP1"\n{PHONE}stage = "API_CALL"\npair = "PET_CHECK"\n'
    catalogue = load_catalogue(user_file(text))
    assert catalogue.events["PET_CHECK"].pair == "ASK_PHONE"
    assert catalogue.pairs[-1] == Pair("ASK_PHONE", "PET_CHECK", "STEP1")
    assert len(catalogue.pairs) == len(builtin_catalogue().pairs) + 1


def test_a_new_pair_ends_the_one_before(user_file: UserFile) -> None:
    """Who is paired anew is in no other pair any more, and who was left is in none."""
    catalogue = load_catalogue(user_file(f'{NEW}pair = "CREATE_FLOW"\n'))
    assert catalogue.events["CREATE_FLOW"].pair == "PET_CHECK"
    assert catalogue.events["FLOW_ID_ISSUED"].pair is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (NEW + 'pair = "FACE_COMPARE"\n', "a pair is an event of FE and one of BE"),
        (
            NEW + 'pair = "STEP_VIEW"\n[events.FACE_COMPARE]\npair = "STEP_VIEW"\n',
            "which is paired with PET_CHECK already",
        ),
        ('[events.CREATE_FLOW]\nsource = "BE"\n', "events.CREATE_FLOW.pair pairs"),
    ],
)
def test_a_pair_that_is_none_is_refused(user_file: UserFile, text: str, told: str) -> None:
    """Two of one side, two partners, or a side that is changed: the message says which."""
    with pytest.raises(CatalogueError, match=told):
        load_catalogue(user_file(text))
