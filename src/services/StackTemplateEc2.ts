import type { Blueprint } from "./Blueprint.ts"
import { definitions } from "./SettingDefinitions.ts"
import { outputName } from "./Settings.ts"
import { attribute, type Part, ref, type Value } from "./Stack.ts"
import { listenerTag } from "./StackBalancer.ts"
import { trust } from "./StackPolicy.ts"
import * as UserData from "./UserData.ts"

// Time for an instance to boot, fetch and become ready.
const bootTimeout = "PT10M"

/**
 * The service on EC2: an auto-scaling group that replaces its instances one after the other, each only once the one
 * before it is ready, and goes back to the old ones when a new one is not.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (blueprint: Blueprint, policy: Value): Part => {
  const { service, settings } = blueprint
  return {
    parameters: {
      ImageId: {
        Type: "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>",
        Default: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
        Description: "SSM parameter that names the machine image; it must have systemd and the AWS CLI"
      },
      InstanceType: { Type: "String", Default: "t4g.small", Description: "Instance type, of the image's architecture" },
      MinSize: { Type: "Number", Default: 2, MinValue: 1, Description: "Least instances" },
      MaxSize: {
        Type: "Number",
        Default: 4,
        MinValue: 2,
        Description: "Most instances; more than the least, so that an update can add one before it takes one away"
      },
      NodePackage: {
        Type: "String",
        Default: "nodejs24",
        AllowedPattern: UserData.patterns.nodePackage,
        Description: "Package to install where the image has no Node; empty for a single executable"
      }
    },
    resources: {
      InstanceRole: {
        Type: "AWS::IAM::Role",
        Properties: {
          AssumeRolePolicyDocument: trust("ec2.amazonaws.com"),
          Policies: [{ PolicyName: "service", PolicyDocument: policy }]
        }
      },
      InstanceProfile: { Type: "AWS::IAM::InstanceProfile", Properties: { Roles: [ref("InstanceRole")] } },
      LaunchTemplate: {
        Type: "AWS::EC2::LaunchTemplate",
        Properties: {
          LaunchTemplateData: {
            ImageId: ref("ImageId"),
            InstanceType: ref("InstanceType"),
            IamInstanceProfile: { Arn: attribute("InstanceProfile", "Arn") },
            SecurityGroupIds: [attribute("ServiceSecurityGroup", "GroupId")],
            MetadataOptions: {
              HttpEndpoint: "enabled",
              HttpTokens: "required",
              HttpPutResponseHopLimit: 1,
              InstanceMetadataTags: "enabled"
            },
            // The outputs are there once the stack is: what an instance needs before that it finds in its tags.
            TagSpecifications: [{
              ResourceType: "instance",
              Tags: [
                { Key: "Name", Value: service },
                ...Object.entries(settings).map(([Key, { value }]) => ({ Key, Value: value }))
              ]
            }],
            UserData: { "Fn::Base64": { "Fn::Join": ["", userData(blueprint)] } }
          }
        }
      },
      Group: {
        Type: "AWS::AutoScaling::AutoScalingGroup",
        CreationPolicy: { ResourceSignal: { Count: ref("MinSize"), Timeout: bootTimeout } },
        UpdatePolicy: {
          AutoScalingRollingUpdate: {
            MinInstancesInService: ref("MinSize"),
            MaxBatchSize: 1,
            MinSuccessfulInstancesPercent: 100,
            WaitOnResourceSignals: true,
            PauseTime: bootTimeout,
            // https://repost.aws/knowledge-center/auto-scaling-group-rolling-updates
            SuspendProcesses: [
              "AlarmNotification",
              "AZRebalance",
              "HealthCheck",
              "ReplaceUnhealthy",
              "ScheduledActions"
            ]
          }
        },
        Properties: {
          MinSize: ref("MinSize"),
          MaxSize: ref("MaxSize"),
          VPCZoneIdentifier: ref("ServiceSubnets"),
          TargetGroupARNs: [ref("Targets")],
          Tags: [{ ...listenerTag, PropagateAtLaunch: false }],
          HealthCheckType: "ELB",
          HealthCheckGracePeriod: 300,
          LaunchTemplate: {
            LaunchTemplateId: ref("LaunchTemplate"),
            Version: attribute("LaunchTemplate", "LatestVersionNumber")
          }
        }
      },
      ScaleOnCpu: {
        Type: "AWS::AutoScaling::ScalingPolicy",
        Properties: {
          AutoScalingGroupName: ref("Group"),
          PolicyType: "TargetTrackingScaling",
          TargetTrackingConfiguration: {
            PredefinedMetricSpecification: { PredefinedMetricType: "ASGAverageCPUUtilization" },
            TargetValue: 60
          }
        }
      }
    }
  }
}

/**
 * The boot script of the group's instances, in pieces.
 *
 * @category constructors
 * @since 1.1.0
 */
export const userData = ({ service, settings, timing }: Blueprint): ReadonlyArray<Value> =>
  UserData.boot({
    service,
    bucket: ref("ArtefactBucket"),
    key: ref("ArtefactKey"),
    sha256: ref("ArtefactSha256"),
    region: ref("AWS::Region"),
    nodePackage: ref("NodePackage"),
    stack: ref("AWS::StackName"),
    resource: "Group",
    settle: timing.settle,
    flags: unitFlags(settings)
  })

// What the unit itself is made of: what waits for the service asks that port, a low one takes a
// capability, and its stop timeout is all deadlines.
const unitSettings = ["host", "port", "adminPort", "lameduck", "shutdownDeadline", "flushDeadline"] as const

const unitFlags = (settings: Blueprint["settings"]): ReadonlyArray<string> =>
  unitSettings.flatMap((name) => {
    const value = settings[outputName(name)]?.value
    return typeof value === "string" ? [`--${definitions[name].flag}=${value}`] : []
  })
