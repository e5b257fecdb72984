// One specification for images of many sizes.
#include "plan/family.h"

#include <gtest/gtest.h>

#include "support/pipelines.h"

namespace onpath::testing {
namespace {

std::string refusal(const PipelineSpec& spec) {
  const auto family = PlanFamily::make(spec);
  return family.ok() ? "ok"
                     : std::string(error_code_name(family.error().code)) + ": " + family.error().message;
}

TEST(Family, GivesThePlanThatTheSizeAloneWouldGive) {
  const PipelineSpec spec = pipeline(60, 40, PixelFormat::rgb, {resize_to(8, 8), imagenet()});
  const auto family = PlanFamily::make(spec);
  ASSERT_TRUE(family.ok());
  EXPECT_EQ(family.value()->largest()->plan().hash(), must_compile(spec)->hash());
  for (const auto& [width, height] : {std::pair{60u, 40u}, {1u, 1u}, {7u, 40u}, {60u, 1u}}) {
    PipelineSpec alone = spec;
    alone.input.width = width;
    alone.input.height = height;
    const auto program = family.value()->program(width, height);
    ASSERT_TRUE(program.ok());
    EXPECT_EQ(program.value()->plan().hash(), must_compile(alone)->hash());
    EXPECT_EQ(program.value()->plan().input().digest, must_compile(spec)->input().digest);
  }
}

TEST(Family, TakesAnEdgeThatACropFollows) {
  ResizeSpec edge;
  edge.shortest_edge = 16;
  CenterCropSpec crop;
  crop.width = crop.height = 12;
  EXPECT_EQ(refusal(pipeline(60, 40, PixelFormat::rgb, {edge, crop})), "ok");
}

TEST(Family, OfWhichTheOutputDependsOnTheSizeIsRefused) {
  ResizeSpec edge;
  edge.shortest_edge = 16;
  for (const PipelineSpec& spec :
       {pipeline(60, 40, PixelFormat::rgb, {edge}), pipeline(60, 40, PixelFormat::rgb),
        pipeline(60, 1, PixelFormat::rgb), pipeline(1, 60, PixelFormat::rgb)}) {
    const std::string text = refusal(spec);
    EXPECT_NE(text.find("INVALID_SPEC: Images of "), std::string::npos) << text;
    EXPECT_NE(text.find("The output must be the same for every size"), std::string::npos) << text;
  }
}

TEST(Family, TakesWholeRowMajorImagesOnly) {
  const PipelineSpec spec = pipeline(60, 40, PixelFormat::rgb, {resize_to(8, 8)});
  for (const auto order : {SerializationOrder::planar, SerializationOrder::tile_major}) {
    EXPECT_NE(refusal(in_order(spec, order, false)).find("another order"), std::string::npos);
  }
  EXPECT_NE(refusal(in_order(spec, SerializationOrder::row_major, true)).find("skipUnread"),
            std::string::npos);
  EXPECT_FALSE(PlanFamily::of(in_order(spec, SerializationOrder::planar, false), nullptr).ok());
}

TEST(Family, RefusesSizesThatAreNotItsOwn) {
  const auto family = PlanFamily::make(pipeline(60, 40, PixelFormat::uyvy, {ToRgbSpec{}, resize_to(8, 8)}));
  ASSERT_TRUE(family.ok());
  for (const auto& [width, height] :
       {std::pair{0u, 1u}, {2u, 0u}, {62u, 40u}, {60u, 41u}, {UINT32_MAX, UINT32_MAX}, {3u, 3u}}) {
    EXPECT_FALSE(family.value()->allows(width, height));
    const auto program = family.value()->program(width, height);
    ASSERT_FALSE(program.ok());
    EXPECT_EQ(program.error().code, ErrorCode::INVALID_SPEC);
    EXPECT_NE(program.error().message.find("takes 1x1 to 60x40"), std::string::npos);
  }
  EXPECT_TRUE(family.value()->program(58, 39).ok());
}

}  // namespace
}  // namespace onpath::testing
