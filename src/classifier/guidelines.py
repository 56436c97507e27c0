"""The six labels, the guideline clauses they enforce, and what the platforms tell a member to do.

`LABELS` fixes the column order of every matrix, file and table in the package. The full labelling guide is
``docs/labels.md``; the platforms' pages it is drawn from are italki's "Community Guidelines" and "What should I do
if I'm being harassed?", HelloTalk's "When should I report someone?" and TechTok's "Dealing with Harassment and Abuse".
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GUIDELINES", "LABELS", "SURFACES", "Guideline"]

SURFACES = ("private_message", "comment", "profile", "post")


@dataclass(frozen=True)
class Guideline:
    """One label: what it means, which clauses it enforces, what a member is told to do.

    >>> GUIDELINES["spam"].clauses[0]
    'italki: Phishing and Spam'
    """

    label: str
    meaning: str
    clauses: tuple[str, ...]
    advice: str


_REPORT = "Report the user from the profile page, with the link to the profile and the messages as evidence"

GUIDELINES: dict[str, Guideline] = {
    guideline.label: guideline
    for guideline in (
        Guideline(
            "harassment",
            "insults, threatens, pesters or sexually harasses a person",
            (
                "italki: Bullying and Harassment",
                "italki: Violence and Threats",
                "HelloTalk: 5 (harm, stalk, bully or harass others)",
                "TechTok: Dealing with Harassment and Abuse",
            ),
            f"Flag the comment. {_REPORT}. Block the user and, if you wish, change your privacy settings. "
            "If there is a threat to anybody's safety, keep the evidence and contact the authorities.",
        ),
        Guideline(
            "dating_flirting",
            "treats the site as a dating site",
            ("italki: 7 things not to do, 1 and 2", "HelloTalk: 1 (flirting or initiating sexual talks)"),
            f"Say that you are here for languages only, or do not answer. {_REPORT} if it goes on, and block the user.",
        ),
        Guideline(
            "spam",
            "sells, advertises, promotes, begs, phishes or scams",
            (
                "italki: Phishing and Spam",
                "italki: 7 things not to do, 3",
                "HelloTalk: 3 (commercial offers, solicitation)",
                "HelloTalk: 8 (harmful code and links)",
            ),
            f"Do not follow links or send money. Flag the comment. {_REPORT}.",
        ),
        Guideline(
            "hate",
            "attacks or demeans people for who they are",
            ("italki: Hate Speech", "HelloTalk: 2 (prejudice, discrimination, hatred)"),
            f"Flag the comment. {_REPORT}. Block the user. "
            "If there is a threat to anybody's safety, keep the evidence and contact the authorities.",
        ),
        Guideline(
            "political_religious",
            "discusses political or religious events, groups or doctrine, or proselytises",
            (
                "italki: Political or Religious Discussions",
                "italki: 7 things not to do, 7",
                "HelloTalk: 2 (political, social and religious hatred)",
            ),
            "Flag the comment or post. Bring the talk back to language and culture.",
        ),
        Guideline(
            "personal_info",
            "discloses a contact detail or identifier",
            (
                "italki: Identity and Privacy",
                "italki: 7 things not to do, 4",
                "HelloTalk: 2 (personally-identifiable information)",
            ),
            "Take contact details out of public places, and ask before sharing somebody else's. Flag the comment if it "
            "discloses another person's details, and change your privacy settings if they are yours.",
        ),
    )
}

LABELS: tuple[str, ...] = tuple(GUIDELINES)
