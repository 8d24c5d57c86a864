"""The closed vocabularies of a diagnosis."""

from enum import StrEnum


class ErrorClass(StrEnum):
    """What kind of failure it is."""

    NETWORK_UNREACHABLE = "network_unreachable"
    CONNECTION_REFUSED = "connection_refused"
    DNS_FAILURE = "dns_failure"
    TLS_FAILURE = "tls_failure"
    TIMEOUT = "timeout"
    PROTOCOL_MISMATCH = "protocol_mismatch"
    AUTHENTICATION = "authentication"
    AUTHORIZATION = "authorization"
    RATE_LIMITED = "rate_limited"
    SECURITY_ATTACK = "security_attack"
    MEMORY_EXHAUSTED = "memory_exhausted"
    DISK_EXHAUSTED = "disk_exhausted"
    CPU_EXHAUSTED = "cpu_exhausted"
    CONNECTIONS_EXHAUSTED = "connections_exhausted"
    LOCK_CONTENTION = "lock_contention"
    DATA_CORRUPTION = "data_corruption"
    SCHEMA_MISMATCH = "schema_mismatch"
    CODE_DEFECT = "code_defect"
    CRASH = "crash"
    MISCONFIGURATION = "misconfiguration"
    BAD_DEPLOYMENT = "bad_deployment"
    DEPENDENCY_DOWN = "dependency_down"
    HARDWARE_FAILURE = "hardware_failure"
    CLOCK_SKEW = "clock_skew"
    UNKNOWN = "unknown"


class Criticality(StrEnum):
    """How much it matters, lowest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for low to 3 for critical."""
        return list(Criticality).index(self)


class Layer(StrEnum):
    """How deep in the dependency order something sits, deepest first."""

    RESOURCE = "resource"
    DATASTORE = "datastore"
    SERVICE = "service"
    PROXY = "proxy"

    @property
    def depth(self) -> int:
        """3 for a resource to 0 for a proxy: causes lie deep."""
        return 3 - list(Layer).index(self)
