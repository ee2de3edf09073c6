"""Counts the AWS calls of each handled event from the history of `cargo demo`, and holds them against the aims.

The demo's cloud runs one piece of work after the other, and its history keeps that order: what a function called since its
last invocation ended belongs to the invocation that ends next. What Lambda itself calls for a function (logs, polling) stands
under another name and is not counted: it costs the function nothing.
"""

import collections
import json
from dataclasses import dataclass

FUNCTIONS = ("pitcrew-rollback", "pitcrew-domains", "pitcrew-certificates", "pitcrew-notify")
# The aims for one service: calls of a decision that rolls back, of one that does not, and what a diagnosis may add.
ROLLS_BACK, HOLDS, DIAGNOSIS = 12, 6, 5


class BadHistory(Exception):
    """The file is no history of the demo."""


@dataclass(frozen=True)
class Handled:
    """One invocation: which event, and what it called."""

    story: str
    function: str
    event: str
    subjects: int
    calls: collections.Counter

    @property
    def kind(self):
        if self.function == "pitcrew-notify":
            return "tells" if any(name.startswith("sns:") for name in self.calls) else "nothing to tell"
        if self.event == "Sweep":
            return "sweeps"
        if self.function != "pitcrew-rollback":
            return self.outside
        decision = "rolls back" if self.calls["apprunner:UpdateService"] else "holds"
        return f"{decision}, with a diagnosis" if self.diagnoses else decision

    @property
    def outside(self):
        """What the run of a domain changed outside, or that it changed nothing."""
        names = {"route53:ChangeResourceRecordSets": "changes records", "apprunner:DisassociateCustomDomain": "unlinks",
                 "apprunner:AssociateCustomDomain": "links", "acm:RenewCertificate": "renews"}
        return " and ".join(word for name, word in names.items() if self.calls[name]) or "holds"

    @property
    def diagnoses(self):
        return any(name.startswith("logs:") for name in self.calls)

    @property
    def aim(self):
        """The most calls that this kind may make, for one service; nothing where no aim was set (telling, sweeping)."""
        if self.function != "pitcrew-rollback" or self.event == "Sweep":
            return None
        return (ROLLS_BACK if "rolls back" in self.kind else HOLDS) + (DIAGNOSIS if self.diagnoses else 0)

    @property
    def count(self):
        return self.calls.total()

    def summary(self):
        return {
            "story": self.story, "function": self.function, "event": self.event, "kind": self.kind,
            "subjects": self.subjects, "calls": self.count, "aim": self.aim, "by_operation": dict(sorted(self.calls.items())),
        }


def event_name(payload):
    """What woke the function, in a word, and how many subjects it brought."""
    records = payload.get("Records")
    if records is None:
        return payload.get("detail-type", "unknown"), 1
    source = records[0].get("eventSource", "") if records else ""
    return ("wake queue" if source == "aws:sqs" else "outbox stream"), len(records)


def read(path):
    """The invocations of the functions in a history file, in order."""
    handled, open_calls = [], collections.defaultdict(collections.Counter)
    for number, line in enumerate(path.read_text().splitlines(), 1):
        try:
            entry = json.loads(line)
            who, what, story = entry.get("who"), entry["what"], entry["story"]
            if who not in FUNCTIONS:
                continue
            if entry["kind"] == "call":
                open_calls[story, who][f"{what['service']}:{what['operation']}"] += 1
            elif entry["kind"] == "invocation":
                event, subjects = event_name(what["payload"])
                handled.append(Handled(story, who, event, subjects, open_calls.pop((story, who), collections.Counter())))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadHistory(f"{path}, line {number}: not a line of the demo's history ({error!r})") from None
    if not handled:
        raise BadHistory(f"{path} holds no invocation of {' or '.join(FUNCTIONS)}")
    if left := {key: calls.total() for key, calls in open_calls.items()}:
        raise BadHistory(f"{path} ends within an invocation: calls without one are left ({left})")
    return handled


def grouped(handled):
    """Invocations by story, function, event and kind; each group shows its costliest invocation."""
    groups = collections.defaultdict(list)
    for one in handled:
        groups[one.story, one.function, one.event, one.kind].append(one)
    return [(len(group), max(group, key=lambda one: one.count)) for group in groups.values()]


def table(handled):
    """The rows for people."""
    for times, worst in grouped(handled):
        aim = "" if worst.aim is None else f"<= {worst.aim * worst.subjects}"
        verdict = "" if worst.aim is None else ("ok" if worst.count <= worst.aim * worst.subjects else "MISSED")
        names = ", ".join(f"{name} {n}" if n > 1 else name for name, n in sorted(worst.calls.items()))
        function = worst.function.removeprefix("pitcrew-")
        yield worst.story, function, worst.event, worst.kind, str(times), str(worst.count), aim, verdict, names
