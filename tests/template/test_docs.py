"""The documents say what is so: links lead somewhere, named tests exist, tables equal the code that they speak of.

Owns no text. Each check reads the source that decides, and compares; it never repeats it.
"""

import re

import pytest

from stack import ROOT, load_source

FOLDERS = ["", "cli", "docs", "docs/adr", "events", "functions/*", "infra", "shared/*", "tests", "tests/*", "tests/cloud/docs",
           "tests/cloud/src/*"]
DOCUMENTS = sorted({path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.md".lstrip("/"))})
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```", re.DOTALL)
# What SEMANTICS.md calls folders for short.
SHORT = {"core": "shared/core/src/rollback/tests", "e2e": "tests/e2e/tests/e2e"}


def read(path):
    return (ROOT / path).read_text(encoding="utf-8")


def name(path):
    return str(path.relative_to(ROOT))


def broken_links(path, text):
    """The relative links of a document that lead nowhere."""
    targets = [target.partition("#")[0] for target in LINK.findall(CODE.sub("", text))]
    return [target for target in targets
            if target and "://" not in target and not target.startswith("mailto:") and not (path.parent / target).exists()]


def rows_after(text, heading):
    """The cells of the first table after a line that begins with `heading`, without its own heading."""
    lines = text[text.index(f"\n{heading}"):].splitlines()[1:]
    start = next(at for at, line in enumerate(lines) if line.startswith("|"))
    table = []
    for line in lines[start + 2:]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return table


def bare(cell):
    return cell.strip("` ")


def missing_tests(text):
    """What a page of promises names and no file holds; and how many it names."""
    named = re.findall(r"`([\w./-]+\.(?:rs|py)): (\w+)`", text)
    missing = []
    for path, test in named:
        folder, _, rest = path.partition("/")
        file = ROOT / SHORT.get(folder, folder) / rest
        if not file.exists() or not re.search(rf"\b(?:fn|def) {test}\b", file.read_text(encoding="utf-8")):
            missing.append(f"{path}: {test}")
    return missing, len(named)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_every_relative_link_leads_somewhere(path):
    assert broken_links(path, path.read_text(encoding="utf-8")) == []


def test_the_documents_are_found():
    found = {name(path) for path in DOCUMENTS}
    assert {"README.md", "docs/SEMANTICS.md", "tests/cloud/README.md", "functions/rollback/README.md",
            "tests/cloud/src/apprunner/README.md"} <= found


def test_a_broken_link_is_seen():
    assert broken_links(ROOT / "README.md", "[a](docs/none.md) [b](LICENSE#x) [c](https://example.org)") == ["docs/none.md"]


def test_every_test_that_a_promise_names_exists():
    missing, named = missing_tests(read("docs/SEMANTICS.md"))
    assert missing == [] and named > 60


def test_a_test_that_is_gone_is_seen():
    assert missing_tests("`core/bake.rs: no_such_test`")[0] == ["core/bake.rs: no_such_test"]


def test_every_promise_has_one_id_and_says_how_it_is_proven():
    promises = re.findall(r"^\| (S-\d+) \| (.+) \| (.+) \|$", read("docs/SEMANTICS.md"), re.MULTILINE)
    ids = [promise[0] for promise in promises]
    assert len(ids) == len(set(ids)) > 50
    assert [one for one, _, proof in promises if "`" not in proof and proof != "not proven yet"] == []


def test_the_readme_has_every_parameter_of_the_template_with_its_default():
    told = {bare(row[0]): bare(row[1]) for row in rows_after(read("README.md"), "| Parameter |")}
    words = {None: "none: you choose", "": "empty"}
    declared = {key: spec.get("Default") for key, spec in load_source()["Parameters"].items()}
    assert told == {key: words.get(default, str(default)) for key, default in declared.items()}


def test_the_readme_has_every_tag_that_the_code_reads_and_no_other():
    sources = [*ROOT.glob("shared/*/src/**/*.rs"), *ROOT.glob("functions/*/src/**/*.rs")]
    code = "".join(path.read_text(encoding="utf-8") for path in sources if "tests" not in path.parts)
    # The capability's tag is put together from its name.
    read_by_code = set(re.findall(r'(?:flag\(\w*&?\w+, |get\(|Some\()"(pitcrew:[a-z-]+)"', code))
    capabilities = set(re.findall(r'(?:allow_capability\(paused, tags, |&str = )"(rollback|domains|certificates)"', code))
    assert 'format!("pitcrew:{capability}")' in code and capabilities == {"rollback", "domains", "certificates"}
    read_by_code |= {"pitcrew:autonomy"} | {f"pitcrew:{capability}" for capability in capabilities}
    section = read("README.md").partition("\n## Tags\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(pitcrew:[a-z-]+)` \|", section, re.MULTILINE)) == read_by_code


def switches_of_the_code():
    """Each switch with its values, the default first, from the enums of switches.rs."""
    code = read("tests/cloud/src/switches.rs")
    kebab = lambda word: re.sub(r"(?<!^)(?=[A-Z])", "-", word).lower().replace("_", "-")
    kinds = {}
    for enum, body in re.findall(r"pub enum (\w+) \{\n(.*?)\n\}", code, re.DOTALL):
        default = re.search(r"#\[default\]\s+(\w+)", body)[1]
        variants = re.findall(r"^    (\w+),$", body, re.MULTILINE)
        kinds[enum] = [kebab(variant) for variant in sorted(variants, key=lambda variant: variant != default)]
    return {kebab(field): kinds[kind] for field, kind in re.findall(r"^    pub (\w+): (\w+),$", code, re.MULTILINE)}


def test_both_readmes_have_every_switch_with_its_values_and_the_default_first():
    switches = switches_of_the_code()
    assert len(switches) >= 6
    told = {bare(row[0]): re.findall(r"`([a-z-]+)`", row[1])
            for row in rows_after(read("tests/cloud/README.md"), "| Switch | Values |")}
    assert told == switches
    shown = {}
    for row in rows_after(read("README.md"), "| Open question |"):
        key, _, first = bare(row[1].split(",")[0]).partition("=")
        shown[key] = [first, *re.findall(r"`([a-z-]+)`", row[1].partition(",")[2])]
    assert shown == switches


def test_the_control_api_is_told_whole():
    served = set(re.findall(r"^\| `(?:[A-Z]+(?:`, `[A-Z]+)*) (/_cloud/[a-z]+)", read("tests/cloud/docs/gateway.md"), re.MULTILINE))
    table = "\n".join(row[0] for row in rows_after(read("tests/cloud/README.md"), "| Route |"))
    assert len(served) >= 9
    assert served == set(re.findall(r"(/_cloud/[a-z]+)", table))


def test_the_settings_of_the_functions_are_told():
    for function in ("rollback", "notify", "audit"):
        text = read(f"functions/{function}/README.md")
        code = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob(f"functions/{function}/src/*.rs"))
        asked = set(re.findall(r'(?:required|optional|parsed)\("(PITCREW_\w+)"', code)) | {"PITCREW_LOG"}
        told = {bare(row[0]) for row in rows_after(text, "| Variable |")}
        assert told == asked, function


def test_the_demo_in_the_readme_is_the_demo():
    shown = re.search(r"<!-- demo:begin -->\n```text\n(.*?)```\n<!-- demo:end -->", read("README.md"), re.DOTALL)
    assert shown and shown[1].startswith("Story 2:")
    assert shown[1] in read("docs/demo.txt"), "copy the timeline of the second story from docs/demo.txt"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name)
def test_a_document_names_no_place_of_one_machine(path):
    assert re.findall(r"/(?:home|Users|root|work)/\w+", path.read_text(encoding="utf-8")) == []
