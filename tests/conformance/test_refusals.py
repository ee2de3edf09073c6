"""What the model refuses, the local cloud refuses: each operation is sent its valid input broken in one place, in every
way that the model knows, and then the valid one, which must still be accepted.
"""

import pytest

from judge import MODEL, broken_inputs
from test_operations import ids
from world import VALID

# A value of the wrong type never reaches the operation: AWS's JSON front end may say so before App Runner can.
OF_THE_FRONT_END = {"SerializationException"}


@pytest.mark.parametrize("key", VALID, ids=ids)
def test_an_operation_refuses_what_the_model_refuses(world, key):
    operation, _ = key
    modelled = {shape.name for shape in MODEL.operation_model(operation).error_shapes}
    valid = VALID[key](world)
    wrong = []
    for broken in broken_inputs(operation, valid):
        answer = world.cloud.raw(operation, broken.input)
        expected = {"InvalidRequestException"} | (OF_THE_FRONT_END if broken.rule.startswith("type") else set())
        if answer.status != 400 or answer.code not in expected:
            wrong.append(f"{broken}: answered {answer.status} {answer.body}")
        elif answer.code in modelled and not answer.body.get("Message"):
            wrong.append(f"{broken}: refused without a word: {answer.body}")
    assert wrong == []
    # So nothing of the above was refused for another reason, and none of it had an effect.
    accepted = world.cloud.raw(operation, valid)
    assert accepted.status == 200, accepted.body
