"""ml.sentiment: what words are said of, what turns them around, and how texts make a whole."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from tests.support.examples import example_of
from tests.support.node_context import AS_OF, FakeContext
from tradeloom.errors import MissingInput, NodeConfigError
from tradeloom.nodes.ml._lexicon import (
    DIVIDERS,
    MOVES,
    QUANTITIES,
    Part,
    finance_lexicon,
    general_lexicon,
    read_lexicon,
)
from tradeloom.nodes.ml._sentiment import read_text, sentences
from tradeloom.nodes.ml.sentiment import (
    EXCERPT_CHARS,
    MAX_DETAILS,
    Sentiment,
    SentimentConfig,
    SentimentOutput,
    TextSentiment,
)


def _score(text: str) -> float:
    return read_text(text).score


def _run(texts: Any, **config: Any) -> SentimentOutput:
    return Sentiment().run(SentimentConfig(texts=texts, **config), FakeContext())


class TestWhatIsSaidOfWhat:
    @pytest.mark.parametrize(
        "text",
        [
            "Losses narrow",
            "Costs fall",
            "Unemployment falls to a record low",
            "A sharp drop in jobless claims",
            "The company cuts its operating costs",
            "Inflation cools",
            "Tensions ease",
            "Margins widen",
            "Revenue rises",
            "Profit beats estimates",
            "Company raises guidance",
            "Less bad than feared",
            "Debt shrinks",
            "Recession fears recede",
            "The decline in defaults continues",
        ],
    )
    def test_good(self, text: str) -> None:
        assert _score(text) >= 0.15

    @pytest.mark.parametrize(
        "text",
        [
            "Losses widen",
            "Costs rise",
            "Unemployment rises",
            "Higher unemployment",
            "Inflation accelerates",
            "Tensions escalate",
            "Margins narrow",
            "Revenue falls",
            "Not profitable",
            "The bank isn't profitable",
            "The bank isn’t profitable",
            "Fails to beat estimates",
            "Profit warning",
            "Growth slows",
            "Worse than expected",
            "Shares sharply lower",
            "Company cuts guidance",
            "Raises costs",
        ],
    )
    def test_bad(self, text: str) -> None:
        assert _score(text) <= -0.15

    @pytest.mark.parametrize(
        "text",
        [
            "Debt, tax and risk: gross shares of crude in liability",
            "Shares of the United trust, its treasury and interest",
            "Central bank to meet on Thursday",
            "Results in line with expectations",
            "No change",
            "",
            "...",
            "12345",
        ],
    )
    def test_neither(self, text: str) -> None:
        assert abs(_score(text)) < 0.15

    @pytest.mark.parametrize(
        ("stronger", "weaker"),
        [
            ("Shares sharply lower", "Shares slightly lower"),
            ("Shares fall sharply", "Shares fall"),
            ("Shares fall", "Shares fall slightly"),
            ("Shares plunge", "Shares slip"),
            ("Shares fall", "Shares do not rise"),
            ("Profit warning", "Output steady despite profit warning"),
            ("Shares fall", "Dollar steady as shares fall"),
        ],
    )
    def test_how_much(self, stronger: str, weaker: str) -> None:
        assert _score(stronger) < _score(weaker) < 0

    def test_denial_goes_the_other_way_and_only_to_the_next_thing_said(self) -> None:
        assert _score("Shares did not fall") > 0 > _score("Shares fall")
        assert _score("Sales did not rise") < 0 < _score("Sales rise")
        assert _score("Fails to beat even lowered forecasts") < -0.3

    def test_what_follows_a_but_weighs_more(self) -> None:
        assert _score("Sales rise but costs rise") < 0 < _score("Costs rise but sales rise")

    def test_a_clause_of_its_own_has_its_own_subject(self) -> None:
        # The rise is said of exports: unemployment stands in another clause.
        assert _score("Unemployment steady as exports rise") > 0

    def test_the_headline_counts_double(self) -> None:
        assert _score("Shares rise.\nCosts rise.") > 0 > _score("Costs rise.\nShares rise.")

    def test_it_says_which_words_decided(self) -> None:
        hits = read_text("Losses narrow at airline as fuel costs fall").hits
        assert [(hit.text, hit.value) for hit in hits] == [("losses narrow", 1.5), ("fuel costs fall", 0.75)]

    @pytest.mark.parametrize(
        ("marked", "plain"),
        [
            ("<p>Shares <b>rise</b></p>", "Shares rise"),
            ("Profit &amp; sales rise", "Profit & sales rise"),
            ("SHARES RISE!!!", "shares rise"),
            ("U.S. shares rise", "US shares rise"),
            ("Year-over-year sales rise", "Year over year sales rise"),
        ],
    )
    def test_markup_case_and_signs_do_not_matter(self, marked: str, plain: str) -> None:
        assert _score(marked) == _score(plain) != 0

    @pytest.mark.parametrize("sign", ["📈", "🚀"])
    def test_signs_of_posts(self, sign: str) -> None:
        assert _score(f"$BTC {sign}") == _score(f"$BTC {sign * 9}") > 0.15


class TestLaws:
    @given(text=st.text(max_size=400))
    @settings(max_examples=200, deadline=None)
    def test_any_text_has_a_reading(self, text: str) -> None:
        reading = read_text(text)
        assert -1 <= reading.score <= 1
        assert 0 <= reading.certainty <= 1
        assert reading.words >= len(reading.hits)

    @given(
        words=st.lists(
            st.sampled_from(
                [" ".join(words) for words in finance_lexicon().entries] + ["gdp", "not", ",", ".", "very", "3%"]
            ),
            max_size=60,
        )
    )
    @settings(max_examples=200, deadline=None)
    def test_any_words_of_the_lexicon_have_a_reading(self, words: list[str]) -> None:
        output = _run([" ".join(words)])
        assert -1 <= output.score <= 1
        assert output.label == (
            "positive" if output.score >= 0.15 else "negative" if output.score <= -0.15 else "neutral"
        )

    @given(st.permutations(["Shares rise", "Costs rise", "Central bank meets", "Profit warning at bank", "Gold soars"]))
    @settings(max_examples=20, deadline=None)
    def test_the_order_of_texts_does_not_matter(self, texts: list[str]) -> None:
        expected = _run(sorted(texts))
        output = _run(texts)
        assert output.score == pytest.approx(expected.score, abs=1e-12)
        assert (output.label, output.positive, output.negative) == (
            expected.label,
            expected.positive,
            expected.negative,
        )

    @pytest.mark.parametrize(
        "text",
        [
            "$" * 10_000,
            "." * 10_000,
            "<" * 10_000,
            "a" * 10_000,
            "n't" * 3_333,
            "1," * 5_000,
            "a.b." * 2_500,
            "not " * 2_500,
            "rise costs " * 909,
            "&amp;" * 2_000,
            "\U0001f680" * 10_000,
        ],
    )
    def test_nothing_takes_long(self, text: str) -> None:
        read_text("warm up")
        began = time.process_time()
        read_text(text)
        assert time.process_time() - began < 20.0, "a backtracking pattern would take minutes"


class TestWhole:
    def test_counts_and_labels(self) -> None:
        output = _run(["Shares rise", "Sales rise", "Profit warning", "Central bank meets on Thursday to decide"])
        assert (output.count, output.positive, output.negative, output.neutral) == (4, 2, 1, 1)

    def test_one_text_is_a_list_of_one(self) -> None:
        text = "Retailer beats estimates and raises guidance for the year"
        assert _run(text) == _run([text])
        assert _run(text).score == pytest.approx(_score(text))
        assert _run({"title": text}).score == pytest.approx(_score(text))

    def test_nothing_to_read_is_neutral_and_unsure(self) -> None:
        for texts in ([], [""], ["  ", "..."]):
            output = _run(texts)
            assert (output.score, output.label, output.confidence, output.count) == (0.0, "neutral", 0.0, 0)

    def test_the_same_text_counts_once(self) -> None:
        once = _run(["Shares rise", "Profit warning at bank"])
        again = _run(["Shares rise", "Profit warning at bank", "shares  RISE", "Shares rise"])
        assert again.score == once.score
        assert (again.count, again.repeated) == (2, 2)

    def test_short_texts_weigh_less(self) -> None:
        long, short = "Shares of the maker of small engines rise today", "Costs rise"
        output = _run([long, short])
        assert [each.weight for each in sorted(output.texts, key=lambda each: each.position)] == [1.0, 0.25]
        assert output.score == pytest.approx((_score(long) + 0.25 * _score(short)) / 1.25)

    def test_older_texts_weigh_less(self) -> None:
        text = "Shares of the maker of small engines {} today"
        texts = [
            {"title": text.format("rise"), "time": AS_OF.isoformat()},
            {"title": text.format("fall"), "time": (AS_OF - timedelta(hours=48)).isoformat()},
        ]
        assert _run(texts).score == pytest.approx(0)
        weighted = _run(texts, half_life_hours=24)
        assert [each.weight for each in weighted.texts] == [1.0, 0.25]
        assert weighted.score == pytest.approx(
            (_score(text.format("rise")) + 0.25 * _score(text.format("fall"))) / 1.25
        )

    def test_all_too_old_to_weigh_anything(self) -> None:
        output = _run([{"title": "Shares rise", "time": 0}], half_life_hours=0.001)
        assert (output.score, output.label) == (0.0, "neutral")

    def test_news_of_the_future_is_left_out(self) -> None:
        later = (AS_OF + timedelta(seconds=1)).isoformat()
        output = _run([{"title": "Profit warning", "time": later}, {"title": "Shares rise", "time": AS_OF.isoformat()}])
        assert (output.count, output.future, output.label) == (1, 1, "positive")

    def test_agreement_makes_it_sure(self) -> None:
        agree = _run(["Shares rise", "Sales rise", "Profit beats estimates"])
        differ = _run(["Shares rise", "Sales fall", "Profit beats estimates"])
        assert 1 >= agree.confidence > differ.confidence > 0

    def test_threshold(self) -> None:
        assert _run("Shares edge higher").label == "positive"
        assert _run("Shares edge higher", threshold=0.9).label == "neutral"


class TestShape:
    def test_titles_texts_and_times_by_their_own_names(self) -> None:
        row = {"headline": "Shares rise", "body": "Sales rise too.", "published": 1_496_310_000, "id": 7}
        output = _run([row], title_field="headline", text_field="body", time_field="published")
        (text,) = output.texts
        assert text.time == datetime(2017, 6, 1, 9, 40, tzinfo=UTC)
        assert text.excerpt == "Shares rise Sales rise too."
        assert {each.words for each in text.decided_by} == {"shares rise", "sales rise"}

    @pytest.mark.parametrize("given", ["2017-06-01T09:40:00Z", "2017-06-01 11:40:00+02:00", "2017-06-01T09:40:00"])
    def test_times(self, given: str) -> None:
        assert _run([{"title": "Shares rise", "time": given}]).texts[0].time == datetime(2017, 6, 1, 9, 40, tzinfo=UTC)

    def test_details_are_the_most_decisive_ones(self) -> None:
        texts = [f"Shares of company {number} rise" for number in range(80)] + ["Profit warning crashes shares of bank"]
        output = _run(texts, details=3)
        assert output.count == 81
        assert len(output.texts) == 3
        assert output.texts[0].position == 80
        assert _run(texts, details=0).texts == []

    def test_what_no_database_takes_is_left_out_of_excerpts(self) -> None:
        (text,) = _run(["Shares\x00 rise\ud800 &#0; <b>today</b>\r\n\u2028 again"]).texts
        assert text.excerpt.encode().decode() == text.excerpt
        assert text.excerpt.replace("\ufffd ", "") == "Shares rise today again"

    def test_long_texts_are_cut_and_counted(self) -> None:
        output = _run(["Shares rise. " + "word " * 3000 + "Profit warning!"])
        assert output.shortened == 1
        assert output.label == "positive"

    def test_the_output_stays_small(self) -> None:
        texts = [
            f"{number} " + "Shares rise and costs fall, sales soar, profit warning. " * 20 for number in range(1000)
        ]
        output = _run(texts, details=MAX_DETAILS)
        assert len(output.texts) == MAX_DETAILS
        assert all(len(each.excerpt) <= EXCERPT_CHARS and len(each.decided_by) <= 8 for each in output.texts)
        assert len(output.model_dump_json()) < 250_000

    @pytest.mark.parametrize(
        ("texts", "error", "field"),
        [
            (None, MissingInput, "config.texts"),
            (7, NodeConfigError, "config.texts"),
            (True, NodeConfigError, "config.texts"),
            (["x"] * 1001, NodeConfigError, "config.texts"),
            (["fine", 7], NodeConfigError, "config.texts.1"),
            (["fine", None], NodeConfigError, "config.texts.1"),
            ([["nested"]], NodeConfigError, "config.texts.0"),
            ([{}], MissingInput, "config.texts.0"),
            ([{"headline": "x"}], MissingInput, "config.texts.0"),
            ([{"title": 7}], NodeConfigError, "config.texts.0.title"),
            ([{"title": "x", "text": ["y"]}], NodeConfigError, "config.texts.0.text"),
            ([{"title": "x", "time": "yesterday"}], NodeConfigError, "config.texts.0.time"),
            ([{"title": "x", "time": 1e300}], NodeConfigError, "config.texts.0.time"),
            ([{"title": "x", "time": float("nan")}], NodeConfigError, "config.texts.0.time"),
            ([{"title": "x", "time": 10**400}], NodeConfigError, "config.texts.0.time"),
            ([{"title": "x", "time": True}], NodeConfigError, "config.texts.0.time"),
            ([{"title": "x", "time": "0001-01-01T00:00:00+23:59"}], NodeConfigError, "config.texts.0.time"),
        ],
    )
    def test_what_is_no_text(self, texts: Any, error: type[Exception], field: str) -> None:
        with pytest.raises(error) as raised:
            _run(texts)
        assert raised.value.field == field  # type: ignore[attr-defined]

    def test_a_missing_field_is_told_with_those_there_are(self) -> None:
        with pytest.raises(MissingInput) as raised:
            _run([{"headline": "x", "id": 1}])
        assert raised.value.hint is not None
        assert '"headline", "id"' in raised.value.hint

    @pytest.mark.parametrize(
        "config",
        [
            {"threshold": 0},
            {"threshold": float("nan")},
            {"half_life_hours": 0},
            {"half_life_hours": float("inf")},
            {"details": MAX_DETAILS + 1},
            {"details": True},
            {"title_field": ""},
            {"language": "de"},
        ],
    )
    def test_bad_settings_are_refused(self, config: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            SentimentConfig(texts=["x"], **config)

    def test_no_output_field_is_one_an_order_takes_by_name(self) -> None:
        assert not {*SentimentOutput.model_fields, *TextSentiment.model_fields} & {
            *("symbol", "side", "volume", "lots", "size", "price", "stop_loss", "take_profit", "ticket", "account")
        }

    def test_the_example_runs(self) -> None:
        config, context = example_of(Sentiment)
        output = Sentiment().run(config, context)  # type: ignore[arg-type]
        assert (output.count, output.positive, output.negative, output.label) == (3, 2, 1, "positive")


class TestLexicon:
    def test_directions_have_their_sign_and_values_their_scale(self) -> None:
        for words, entry in finance_lexicon().entries.items():
            assert 1 <= len(words) <= 7, words
            assert -4 <= entry.value <= 4, words
            if entry.part is Part.UP:
                assert entry.value > 0, words
            elif entry.part in (Part.DOWN, Part.SMALLER):
                assert entry.value < 0, words
            elif entry.part is Part.BAD:
                assert entry.value <= 0, words
            elif entry.part in DIVIDERS | {Part.NEUTRAL, Part.NEGATOR}:
                assert entry.value == 0, words
            elif entry.part is Part.STRENGTHENER:
                assert 1 < entry.value < 2, words
            elif entry.part is Part.WEAKENER:
                assert 0 < entry.value < 1, words

    def test_words_are_written_as_texts_are_read(self) -> None:
        """So that every entry can be found."""
        for words in finance_lexicon().entries:
            written = ["7" if word == "#" else word for word in words]
            assert list(sentences(" ".join(written))) == [written]

    def test_every_part_is_used(self) -> None:
        used = {entry.part for entry in finance_lexicon().entries.values()}
        assert used == set(Part) - {Part.GENERAL}
        assert len(finance_lexicon().entries) > 4000
        assert used >= MOVES | QUANTITIES

    def test_the_general_one_is_vaders(self) -> None:
        assert general_lexicon() == SentimentIntensityAnalyzer().lexicon

    def test_the_longest_entry_wins(self) -> None:
        lexicon = read_lexicon("[up]\nrise\t1\n[phrases]\nrise to fame\t2\nrise # times\t3")
        assert {" ".join(words): entry.value for words, entry in lexicon.items()} == {
            "rise": 1.0,
            "rise to fame": 2.0,
            "rise # times": 3.0,
        }

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("rise\t1", "before the first section"),
            ("[up]\nrise\t1\n[down]\nrise|fall\t-1", "stands in the lexicon already"),
            ("[sideways]\n", "sideways"),
            ("[up]\nrise\tmuch", "much"),
        ],
    )
    def test_a_broken_file_is_told(self, text: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            read_lexicon(text)


def test_it_loads_nothing_heavy_and_opens_no_connection() -> None:
    code = (
        "import json, sys\n"
        "sys.path.insert(0, '.')\n"
        "import functions.nodes.ml.sentiment\n"
        "before = set(sys.modules)\n"
        "from tradeloom.nodes.ml._sentiment import read_text, sentences\n"
        "assert read_text('Shares rise').score > 0\n"
        "print(json.dumps([sorted(before), sorted(sys.modules)]))\n"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    before, after = (set(names) for names in json.loads(told.stdout))
    assert not before & {"numpy", "talib", "vaderSentiment", "html", "logging", "socket", "ssl", "http", "onnxruntime"}
    # Its data only: its module would look for its own source, which a Lambda layer does not hold.
    assert not after & {
        "vaderSentiment.vaderSentiment",
        "numpy",
        "requests",
        "nltk",
        "urllib3",
        "ssl",
        "socket",
        "http.client",
    }
