"""Every page in every state: the accessibility and layout tests and the screenshots go through these states."""

from tests.rigs.browser import tour_afternoons, tour_mail, tour_organiser, tour_settings, tour_today, tour_visitors

STATES = (
    tour_visitors.STATES
    | tour_settings.STATES
    | tour_today.STATES
    | tour_organiser.STATES
    | tour_afternoons.STATES
    | tour_mail.STATES
)
