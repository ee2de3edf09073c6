"""What the tests of the audit's rules hold every command of a fix against is what botocore's models of AWS have.

The commands themselves are judged where they are made: shared/core/src/audit/command/judge.rs.
"""

import pytest

import aws_commands


def test_the_flags_of_every_command_are_those_of_the_models():
    known = aws_commands.read()
    assert len(known) > 40
    assert aws_commands.filled(known) == known, "another botocore? python tests/template/aws_commands.py --bless"


def test_an_operation_that_does_not_exist_is_seen():
    with pytest.raises(KeyError):
        aws_commands.filled({"apprunner pause-everything": {}})
