/* The boundary between the data plane and every port, in C, so that a port may live in another shared object
 * built against another C++ library. Plain structs and functions only; `size` and `version` are checked where
 * one side meets the other. First half: a port. Second half: a driver, a shared object that opens ports. */
#ifndef ONPATH_DATAPLANE_PORT_ABI_H_
#define ONPATH_DATAPLANE_PORT_ABI_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ONPATH_PORT_ABI_VERSION 3u

/* Address in network order, IPv4 as ::ffff:a.b.c.d; UDP port in host order. */
typedef struct onpath_endpoint {
  uint8_t address[16];
  uint16_t port;
} onpath_endpoint;

enum {                                         /* onpath_packet.flags */
       ONPATH_PACKET_TRUNCATED = 1u << 0,      /* longer than the receive buffer; its tail is lost */
       ONPATH_PACKET_IP_CHECKSUM_OK = 1u << 1, /* verified below us */
       ONPATH_PACKET_UDP_CHECKSUM_OK = 1u << 2,
       ONPATH_PACKET_REFUSED =
           1u << 3, /* set by transmit: accepted as an argument, but the system will never send it */
       ONPATH_PACKET_FILL_CHECKSUMS =
           1u << 4, /* for transmit, only where ONPATH_PORT_FILLS_CHECKSUMS: the IPv4 header checksum is zero
                       and the UDP one holds the folded sum of its pseudo-header, not complemented; the port
                       completes both. No VLAN tag, no IP options or extension headers. */
};

typedef struct onpath_packet {
  uint8_t* data;          /* Ethernet frame or UDP payload, by the port's framing */
  uint32_t length;        /* bytes at data */
  uint32_t capacity;      /* bytes that may be written at data; 0 of a received packet: read only */
  uint32_t headroom;      /* bytes in front of data that may be written too */
  uint32_t flags;         /* ONPATH_PACKET_* */
  uint32_t mark;          /* route id + 1 if the NIC classified the packet, else 0 */
  uint64_t time_ns;       /* CLOCK_MONOTONIC arrival, or 0: the burst's time is used */
  void* handle;           /* the port's own; release() and transmit() need it, data may have moved */
  onpath_endpoint source; /* datagram framing only; received */
  onpath_endpoint
      destination; /* datagram framing only; set by the caller before transmit, and by the port on receive */
} onpath_packet;

enum { ONPATH_FRAMING_ETHERNET = 1, ONPATH_FRAMING_DATAGRAM = 2 };

enum {                                        /* onpath_port.features */
       ONPATH_PORT_FILLS_CHECKSUMS = 1u << 0, /* honours ONPATH_PACKET_FILL_CHECKSUMS */
};

typedef struct onpath_port_counters {
  uint64_t rx_packets, rx_bytes,
      rx_missed; /* missed: lost before us (socket buffer or ring full), where the port can know */
  uint64_t tx_packets, tx_bytes;
  /* What an impaired port did to what arrived, for tests; the port before it had rx_packets + lost + held -
   * duplicated. `held`: waits now to be given out of order. */
  uint64_t impaired_lost, impaired_duplicated, impaired_corrupted, impaired_reordered, impaired_held;
} onpath_port_counters;

enum { /* what a NIC may do for us; onpath_driver_port_options.offloads, offloads_off */
       ONPATH_OFFLOAD_CHECKSUMS = 1u << 0,       /* IPv4 header and UDP, verified and filled */
       ONPATH_OFFLOAD_RSS = 1u << 1,             /* streams are spread over the queues */
       ONPATH_OFFLOAD_TIMESTAMPS = 1u << 2,      /* arrival times of the NIC's clock */
       ONPATH_OFFLOAD_STEERING = 1u << 3,        /* only what routes want is taken in */
       ONPATH_OFFLOAD_MARK = 1u << 4,            /* packets come with the route that they are of */
       ONPATH_OFFLOAD_ALLOW_LIST = 1u << 5,      /* packets of unlisted sources are dropped by the NIC */
       ONPATH_OFFLOAD_BUFFER_SPLIT = 1u << 6,    /* headers apart from payload */
       ONPATH_OFFLOAD_MPRQ = 1u << 7,            /* mlx5: several packets in one receive buffer */
       ONPATH_OFFLOAD_CQE_COMPRESSION = 1u << 8, /* mlx5: fewer bytes per packet over PCI */
};

enum { /* onpath_offload_report.state */
       ONPATH_OFFLOAD_IN_SOFTWARE = 0,
       ONPATH_OFFLOAD_UNVERIFIED = 1, /* the NIC took it; its effect was not seen (yet) */
       ONPATH_OFFLOAD_ACTIVE = 2,     /* its effect was seen on this port */
};

/* One thing that a NIC may do, and who does it here. */
typedef struct onpath_offload_report {
  char name[24]; /* "steering", "rxChecksums", ... */
  uint32_t state;
  char reason[160]; /* why it is not active, or what was seen */
} onpath_offload_report;

#define ONPATH_OFFLOAD_REPORTS 16u

enum {                          /* onpath_port_info.state */
       ONPATH_PORT_UNKNOWN = 0, /* the port does not know: it counts as up */
       ONPATH_PORT_UP = 1,
       ONPATH_PORT_LINK_DOWN = 2, /* comes back by itself */
       ONPATH_PORT_REMOVED = 3,   /* the device is gone: opening it anew is the way back */
};

/* What a port is and how it fares now. Strings end with a zero byte. */
typedef struct onpath_port_info {
  uint32_t size; /* set by the caller to sizeof(onpath_port_info) */
  char driver[32];
  char device[256];
  uint8_t mac[6];
  uint8_t link_up;
  uint8_t full_duplex;
  uint32_t link_mbps; /* 0: unknown */
  uint32_t removed;   /* 1: the device is gone; nothing arrives or leaves any more */
  int32_t numa_node;  /* -1: unknown */
  uint32_t mtu;
  uint32_t receive_queues, transmit_queues;
  uint32_t receive_descriptors, transmit_descriptors;
  uint32_t buffers, buffer_bytes; /* of the receive pool */
  uint32_t promiscuous, all_multicast;
  uint32_t state;         /* ONPATH_PORT_UP, ... */
  uint32_t state_changes; /* since it was opened: tells that there was one between two looks */
  char cause[96];         /* of the last change of state; empty if there was none */
  uint32_t offload_count;
  onpath_offload_report offloads[ONPATH_OFFLOAD_REPORTS];
} onpath_port_info;

/* Which packets a plane takes in by a port. Plain data, copied by whoever keeps it. */
typedef struct onpath_source_prefix {
  uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
  uint32_t bits;       /* of 128 */
} onpath_source_prefix;

typedef struct onpath_rule {
  uint32_t mark; /* onpath_packet.mark of every datagram that this rule takes; 0: they must not be marked */
  uint16_t udp_port; /* destination, in host order; 0: any */
  uint16_t reserved;
  const onpath_source_prefix* sources; /* who may send; datagrams of others may be dropped */
  uint32_t source_count;               /* 0: anyone */
} onpath_rule;

typedef struct onpath_rules {
  uint32_t size;
  uint32_t count;
  const onpath_rule* rules; /* of two that name the same UDP port, either may admit a datagram */
  uint32_t host;            /* 1: ARP, ICMP, ICMPv6 and group queries are wanted, too */
} onpath_rules;

/* One started port. Queue q is used by one thread at a time. The functions of the data path (receive,
 * release, allocate, transmit) never block, lock, allocate or throw. */
typedef struct onpath_port {
  uint32_t size;    /* sizeof(onpath_port) of the implementer */
  uint32_t version; /* ONPATH_PORT_ABI_VERSION */
  void* self;
  uint32_t queues;          /* that receive and transmit */
  uint32_t transmit_queues; /* all that transmit: those from `queues` on do nothing else; at least `queues` */
  uint32_t framing;
  uint32_t max_bytes; /* longest frame or datagram it sends */
  uint32_t features;  /* ONPATH_PORT_* */
  uint8_t mac[6];     /* Ethernet framing: own address */
  /* A packet received from one port may be given to transmit() of another whose domain is the same, not null.
   */
  const void* domain;

  /* Up to `count` packets; buffers stay valid until release(). */
  uint32_t (*receive)(void* self, uint32_t queue, onpath_packet* packets, uint32_t count);
  /* Packets with a null handle are skipped, where the port gives handles at all: they were given to
   * transmit(). */
  void (*release)(void* self, uint32_t queue, const onpath_packet* packets, uint32_t count);
  /* Transmit buffers of `max_bytes` capacity. Returns how many there were. */
  uint32_t (*allocate)(void* self, uint32_t queue, onpath_packet* packets, uint32_t count);
  /* Takes packets that came from allocate(), or from receive() of a port of the same domain (data and length
   * may have moved within the headroom and the capacity); returns how many of the first ones were accepted,
   * the rest is still the caller's (to be offered again, or released). One that can never be sent is accepted
   * too, lest it block those behind it; its flags then say ONPATH_PACKET_REFUSED. */
  uint32_t (*transmit)(void* self, uint32_t queue, onpath_packet* packets, uint32_t count);
  /* A file descriptor that is readable when a packet arrives after arm(queue, 1), or -1 if the port can only
   * be polled. */
  int (*wait_fd)(void* self, uint32_t queue);
  void (*arm)(void* self, uint32_t queue, int sleeping);
  /* A thread that will use the data path calls the first before, the second after. Either may be null.
   * begin_thread returns 0, or an errno number if this thread cannot be taken. */
  int (*begin_thread)(void* self);
  void (*end_thread)(void* self);
  void (*counters)(void* self, onpath_port_counters* out);
  /* Any thread, at any time until destroy. May be null: nothing is known. */
  void (*info)(void* self, onpath_port_info* out);
  void (*destroy)(void* self);
  /* Tells what is wanted, so that hardware can leave out the rest. Control path; may block; before the first
   * packet is received, and again whenever that changes (what was wanted before and still is keeps flowing).
   * A port that cannot select gives everything: the caller checks each packet all the same. May be null. */
  void (*set_rules)(void* self, const onpath_rules* rules);
} onpath_port;

/* ---- Drivers ---- */

#define ONPATH_DRIVER_ABI_VERSION 2u

/* Why a call failed: `code` is a name of error_codes.def, `message` says the value, what was expected and
 * what to do. */
typedef struct onpath_failure {
  char code[32];
  char message[1500];
} onpath_failure;

/* How the driver's environment (DPDK's EAL) is started, once per process. */
typedef struct onpath_driver_options {
  uint32_t size;
  uint32_t hugepages;      /* 0: ordinary memory (--no-huge) */
  uint32_t memory_mb;      /* 0: chosen by the driver (ordinary memory), or as pools need it (hugepages) */
  uint32_t telemetry;      /* 0: no telemetry socket */
  uint32_t log_level;      /* 1 (emergency) to 8 (debug): what goes to stderr; 0: nothing */
  int32_t control_cpu;     /* CPU of the control thread; -1: any this process may use */
  const char* file_prefix; /* null: made from the process id */
  const char* iova;        /* "pa", "va", or null: chosen by the driver */
  const char*
      plugins; /* folder or file of poll-mode drivers that come before the installed ones; null: none */
  const char* const* arguments; /* further arguments as the environment takes them */
  uint32_t argument_count;
} onpath_driver_options;

typedef struct onpath_driver_port_options {
  uint32_t size;
  const char* device; /* PCI address, or virtual device with its arguments */
  uint32_t queues, transmit_queues;
  uint32_t receive_descriptors, transmit_descriptors; /* per queue; adjusted to what the device takes */
  uint32_t mtu;                                       /* 0: the device's own */
  uint32_t buffer_bytes; /* receive buffer for packet data; 0: chosen so that a frame fits one */
  uint32_t buffers;      /* of the receive pool; 0: chosen from queues and descriptors */
  uint32_t promiscuous, all_multicast;
  uint32_t offloads;             /* ONPATH_OFFLOAD_* that may be used, of mlx5 those to be switched on */
  const uint8_t (*multicast)[6]; /* MAC addresses to be taken in besides the own one */
  uint32_t multicast_count;
  uint32_t offloads_off; /* ONPATH_OFFLOAD_MPRQ, ONPATH_OFFLOAD_CQE_COMPRESSION: to be switched off */
} onpath_driver_port_options;

/* An answer to an observer, being written: named values, in dictionaries inside each other. `self` is the
 * driver's. What finds no room in the driver's answer is left out. */
typedef struct onpath_telemetry_writer {
  void* self;
  void (*begin)(void* self, const char* name); /* a dictionary; the one begun last ends first */
  void (*end)(void* self);
  void (*text)(void* self, const char* name, const char* value);
  void (*count)(void* self, const char* name, uint64_t value);
} onpath_telemetry_writer;

/* A question that observers may ask. */
typedef struct onpath_telemetry_command {
  const char* path; /* such as "/onpath/routes" */
  const char* help;
  /* Any thread. `parameters` may be null. Returns 1, or 0 if there is no such thing; then nothing was
   * written.
   */
  int (*answer)(const char* parameters, const onpath_telemetry_writer* writer);
} onpath_telemetry_command;

typedef struct onpath_driver {
  uint32_t size;
  uint32_t version;    /* ONPATH_DRIVER_ABI_VERSION */
  const char* release; /* of the library it drives, such as "DPDK 22.11.11" */
  /* Both may block for seconds and may be called by any thread. start returns 1, or 0 on
   * failure, open null. A second start with other options fails, with equal or null options it does nothing.
   * Null options and not started yet: the defaults. */
  int (*start)(const onpath_driver_options* options, onpath_failure* failure);
  const onpath_port* (*open)(const onpath_driver_port_options* options, onpath_failure* failure);
  /* After start: has the environment's telemetry answer these commands, until the process ends. They are not
   * copied. Those that are known already stay as they are. Returns as start. */
  int (*observe)(const onpath_telemetry_command* commands, uint32_t count, onpath_failure* failure);
} onpath_driver;

/* The one symbol of a driver's shared object. */
#define ONPATH_DRIVER_SYMBOL "onpath_driver_table"
typedef const onpath_driver* (*onpath_driver_function)(void);

#ifdef __cplusplus
}
#endif
#endif /* ONPATH_DATAPLANE_PORT_ABI_H_ */
