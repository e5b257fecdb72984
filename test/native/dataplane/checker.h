// A consumer that proves every delivered sample exact: the request id is the number of the sample, and so of
// its noise.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <set>
#include <thread>

#include "dataplane/plane_testing.h"

namespace onpath::testing {

class Checker {
 public:
  Checker(ProgramPtr program, std::shared_ptr<HostSink> sink)
      : program_(std::move(program)),
        sink_(std::move(sink)),
        state_(must(program_->make_state(Granularity::element))),
        input_(program_->plan().input().bytes),
        output_(program_->plan().outputs()[0].bytes) {}
  ~Checker() { stop(); }

  /// Takes what is there now.
  void pump() {
    for (Delivery delivery; sink_->next(delivery);) {
      check(delivery);
      sink_->release(delivery.buffer);
    }
  }
  void start() {
    thread_ = std::thread([this] {
      while (!stop_) {
        pump();
        std::this_thread::yield();
      }
      pump();
    });
  }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  void check(const Delivery& delivery) {
    ++deliveries;
    EXPECT_GE(delivery.count, 1u);
    EXPECT_LE(delivery.count, sink_->batch());
    for (uint32_t i = 0; i < delivery.count; ++i) {
      const uint64_t number = delivery.samples[i].request_id;
      input_ = sample_of(*program_, number);
      uint8_t* const outputs[] = {output_.data()};
      EXPECT_TRUE(run_sample(*program_, *state_, input_, outputs).ok());
      if (std::memcmp(delivery.outputs[0] + output_.size() * i, output_.data(), output_.size()) != 0) ++wrong;
      if (number == last_number_) ++repeated;
      last_number_ = number;
      ++samples;
    }
  }

  std::atomic<uint64_t> deliveries{0}, samples{0}, wrong{0}, repeated{0};

 private:
  const ProgramPtr program_;
  const std::shared_ptr<HostSink> sink_;
  std::unique_ptr<SampleState> state_;
  Bytes input_, output_;
  uint64_t last_number_ = UINT64_MAX;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace onpath::testing
