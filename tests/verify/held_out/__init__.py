"""Hand derivations by people who have not seen how causes are searched, right and with one planted mistake each.

Each file of `derivations`, and of `second`, written later by another person who had not seen those, is one right
derivation ``d``, its random ``inputs(rng)``, and

- ``MISTAKES``: lines of (where, was, becomes, cause). The mistake is an edit of the file's text: `was` stands there
  exactly once, `becomes` is what somebody wrote instead. `where` names the quantity whose gradient (or value, or
  update) is the first that is wrong; `cause` is what a good teacher would name first. Alternatives that are equally
  defensible are joined by ``|``. The cause ``unknown`` marks values that come from nowhere.
- ``RIGHT``: lines of (was, becomes) that say the same thing in another way: no mistake.

A quantity of which only a local variable of a backward function tells may be a `where` as well.

``python -m tests.verify.held_out`` measures what the verifier says of them. Cases are not to be bent to its answers.
"""
