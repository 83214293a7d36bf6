"""A route: events of the type `audit` also go to a Kafka topic."""

from dataclasses import dataclass

from millstream import Config, Destination, RoutedEvent


@dataclass
class Settings:
    # The pipeline must allow it: `output-topics = ["audit"]`.
    topic: str = "audit"


settings = Settings()


def configure(config: Config) -> None:
    global settings
    settings = config.parse(Settings)


def route(event: RoutedEvent) -> Destination:
    if event.kind == "audit":
        return Destination(topic=settings.topic, key=event.name)
    return Destination()
