/* The boundary between the data plane and every port, in C, so that a port may live in another shared object
 * built against another C++ library. Plain structs and functions only; `size` and `version` are checked at
 * start. */
#ifndef ONPATH_DATAPLANE_PORT_ABI_H_
#define ONPATH_DATAPLANE_PORT_ABI_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ONPATH_PORT_ABI_VERSION 1u

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
};

typedef struct onpath_packet {
  uint8_t* data;          /* Ethernet frame or UDP payload, by the port's framing */
  uint32_t length;        /* bytes at data */
  uint32_t capacity;      /* bytes that may be written at data (transmit buffers) */
  uint32_t flags;         /* ONPATH_PACKET_* */
  uint32_t mark;          /* route id + 1 if the NIC classified the packet, else 0 */
  uint64_t time_ns;       /* CLOCK_MONOTONIC arrival, or 0: the burst's time is used */
  void* handle;           /* the port's own */
  onpath_endpoint source; /* datagram framing only; received */
  onpath_endpoint
      destination; /* datagram framing only; set by the caller before transmit, and by the port on receive */
} onpath_packet;

enum { ONPATH_FRAMING_ETHERNET = 1, ONPATH_FRAMING_DATAGRAM = 2 };

typedef struct onpath_port_counters {
  uint64_t rx_packets, rx_bytes,
      rx_missed; /* missed: lost before us (socket buffer or ring full), where the port can know */
  uint64_t tx_packets, tx_bytes;
} onpath_port_counters;

/* One started port. Queue q is used by one thread at a time. Functions never block, lock, allocate or throw.
 */
typedef struct onpath_port {
  uint32_t size;    /* sizeof(onpath_port) of the implementer */
  uint32_t version; /* ONPATH_PORT_ABI_VERSION */
  void* self;
  uint32_t queues;
  uint32_t framing;
  uint32_t max_bytes; /* longest frame or datagram it sends */
  uint8_t mac[6];     /* Ethernet framing: own address */

  /* Up to `count` packets; buffers stay valid until release(). */
  uint32_t (*receive)(void* self, uint32_t queue, onpath_packet* packets, uint32_t count);
  void (*release)(void* self, uint32_t queue, const onpath_packet* packets, uint32_t count);
  /* Transmit buffers of `max_bytes` capacity. Returns how many there were. */
  uint32_t (*allocate)(void* self, uint32_t queue, onpath_packet* packets, uint32_t count);
  /* Takes packets that came from allocate(); returns how many of the first ones were accepted, the rest is
   * still the caller's (to be offered again, or released). One that can never be sent is accepted too, lest
   * it block those behind it; its flags then say ONPATH_PACKET_REFUSED. */
  uint32_t (*transmit)(void* self, uint32_t queue, onpath_packet* packets, uint32_t count);
  /* A file descriptor that is readable when a packet arrives after arm(queue, 1), or -1 if the port can only
   * be polled. */
  int (*wait_fd)(void* self, uint32_t queue);
  void (*arm)(void* self, uint32_t queue, int sleeping);
  void (*counters)(void* self, onpath_port_counters* out);
  void (*destroy)(void* self);
} onpath_port;

#ifdef __cplusplus
}
#endif
#endif /* ONPATH_DATAPLANE_PORT_ABI_H_ */
