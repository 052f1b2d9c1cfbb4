"""The tables. Importing this package registers every one of them with `Base.metadata`."""

from models.accounts import (
    AttemptCount,
    Identity,
    OneTimePurpose,
    OneTimeToken,
    Password,
    ProviderSignIn,
    RefreshToken,
    Session,
    SignUp,
)
from models.base import Base, name_key, utcnow, uuid7, uuid7_among
from models.chats import Chat, ChatKind, ChatMember, Message
from models.clubs import (
    Club,
    ClubInterest,
    ClubKind,
    ClubMembership,
    ClubRole,
    ClubVisibility,
    JoinPolicy,
    MembershipState,
)
from models.events import (
    Event,
    EventCategory,
    EventHost,
    EventInterest,
    EventRole,
    EventStatus,
    EventTiming,
    EventVisibility,
    PaymentPolicy,
)
from models.interests import Interest
from models.moderation import AuditEntry, ModerationItem, ModerationState
from models.notifications import Channel, Inbox, Notification, NotificationPreference, NotificationType
from models.outbox import DomainEvent, HandledEvent, IdempotencyKey, OutboxDelivery, OutboxEvent, StreamEvent
from models.registrations import HOLDING, TAKING_PART, Admission, Attendance, AvailabilityChange, Booking, Registration
from models.reviews import Review, ReviewStatus
from models.services import Service, ServiceType
from models.users import Audience, Role, User, UserInterest
from models.venues import Venue

__all__ = [
    "HOLDING",
    "TAKING_PART",
    "Admission",
    "AttemptCount",
    "Attendance",
    "Audience",
    "AuditEntry",
    "AvailabilityChange",
    "Base",
    "Booking",
    "Channel",
    "Chat",
    "ChatKind",
    "ChatMember",
    "Club",
    "ClubInterest",
    "ClubKind",
    "ClubMembership",
    "ClubRole",
    "ClubVisibility",
    "DomainEvent",
    "Event",
    "EventCategory",
    "EventHost",
    "EventInterest",
    "EventRole",
    "EventStatus",
    "EventTiming",
    "EventVisibility",
    "HandledEvent",
    "IdempotencyKey",
    "Identity",
    "Inbox",
    "Interest",
    "JoinPolicy",
    "MembershipState",
    "Message",
    "ModerationItem",
    "ModerationState",
    "Notification",
    "NotificationPreference",
    "NotificationType",
    "OneTimePurpose",
    "OneTimeToken",
    "OutboxDelivery",
    "OutboxEvent",
    "Password",
    "PaymentPolicy",
    "ProviderSignIn",
    "RefreshToken",
    "Registration",
    "Review",
    "ReviewStatus",
    "Role",
    "Service",
    "ServiceType",
    "Session",
    "SignUp",
    "StreamEvent",
    "User",
    "UserInterest",
    "Venue",
    "name_key",
    "utcnow",
    "uuid7",
    "uuid7_among",
]
