"""The tables. Importing this package registers every one of them with `Base.metadata`."""

from models.booking.availability import AvailabilityChange
from models.booking.bookings import Booking
from models.booking.registrations import HOLDING, TAKING_PART, Admission, Attendance, Registration
from models.chat.chats import Chat, ChatKind
from models.chat.members import ChatMember
from models.chat.messages import Message
from models.clubs.clubs import Club, ClubInterest, ClubKind, ClubVisibility, ClubWords
from models.clubs.membership import ClubMembership, ClubRole, JoinPolicy, MembershipState
from models.core.audit import AuditEntry
from models.core.base import Base, name_key, utcnow, uuid7, uuid7_among
from models.core.idempotency import IdempotencyKey
from models.core.outbox import DomainEvent, HandledEvent, MailDelivery, OutboxDelivery, OutboxEvent, StreamEvent
from models.events.catalogues import EventCategory, ServiceType
from models.events.events import (
    Event,
    EventInterest,
    EventStatus,
    EventTiming,
    EventVisibility,
    EventWords,
    PaymentPolicy,
    has_begun,
    is_over,
)
from models.events.hosts import EventHost, EventRole
from models.events.revisions import EventRevision
from models.events.services import Service
from models.events.venues import Venue
from models.moderation.queue import ModerationItem, ModerationState
from models.notifications.broadcasts import Broadcast
from models.notifications.inbox import Inbox, ReadMark
from models.notifications.notifications import Notification, NotificationType, is_unread
from models.notifications.preferences import Channel, NotificationPreference
from models.people.attempts import AttemptCount
from models.people.interests import Interest, UserInterest
from models.people.known_devices import KnownDevice
from models.people.one_time_tokens import OneTimePurpose, OneTimeToken
from models.people.passwords import Password
from models.people.privacy import Audience
from models.people.provider_sign_in import Identity, ProviderSignIn
from models.people.security_notices import SecurityNotice, SecurityNoticeKind
from models.people.sessions import RefreshToken, Session
from models.people.signing_up import SignUp
from models.people.users import Role, User
from models.privacy.data_exports import DataExport, DataExportPart, DataExportState
from models.reviews.reviews import RatingCount, Review, ReviewStatus

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
    "Broadcast",
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
    "ClubWords",
    "DataExport",
    "DataExportPart",
    "DataExportState",
    "DomainEvent",
    "Event",
    "EventCategory",
    "EventHost",
    "EventInterest",
    "EventRevision",
    "EventRole",
    "EventStatus",
    "EventTiming",
    "EventVisibility",
    "EventWords",
    "HandledEvent",
    "IdempotencyKey",
    "Identity",
    "Inbox",
    "Interest",
    "JoinPolicy",
    "KnownDevice",
    "MailDelivery",
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
    "RatingCount",
    "ReadMark",
    "RefreshToken",
    "Registration",
    "Review",
    "ReviewStatus",
    "Role",
    "SecurityNotice",
    "SecurityNoticeKind",
    "Service",
    "ServiceType",
    "Session",
    "SignUp",
    "StreamEvent",
    "User",
    "UserInterest",
    "Venue",
    "has_begun",
    "is_over",
    "is_unread",
    "name_key",
    "utcnow",
    "uuid7",
    "uuid7_among",
]
