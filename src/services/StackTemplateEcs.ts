import type { Blueprint } from "./Blueprint.ts"
import { attribute, type Named, type Part, ref, sub, type Value } from "./Stack.ts"
import { listenerTag } from "./StackBalancer.ts"
import { thisAccount, trust } from "./StackPolicy.ts"
import * as UserData from "./UserData.ts"

/**
 * The service on ECS with Fargate: a small container fetches the one file from S3, checks it and ends, then Node runs it.
 * Nothing is built or kept in a registry of images. A deployment that does not become healthy is taken back by itself.
 *
 * **Details**
 *
 * Logs go straight to CloudWatch. The log driver takes standard error alone: what a process says that could not start,
 * or could not deliver.
 *
 * @category constructors
 * @since 1.1.0
 */
export const make = (blueprint: Blueprint, policy: Value): Part => {
  const { port, service, settings, timing } = blueprint
  const environment = [
    { Name: "STACK", Value: ref("AWS::StackName") },
    ...Object.values(settings).map(({ value, variable }) => ({ Name: variable, Value: value }))
  ]
  return {
    parameters: {
      NodeImage: {
        Type: "String",
        Default: "public.ecr.aws/docker/library/node:24-slim",
        Description: "Image with Node; the service is not in it"
      },
      FetchImage: {
        Type: "String",
        Default: "public.ecr.aws/aws-cli/aws-cli:latest",
        Description: "Image with the AWS CLI, bash and sha256sum, to fetch the service with"
      },
      Architecture: {
        Type: "String",
        Default: "ARM64",
        AllowedValues: ["ARM64", "X86_64"],
        Description: "Processors to run on"
      },
      Cpu: { Type: "String", Default: "256", Description: "CPU units of a task: 1024 are one virtual CPU" },
      Memory: { Type: "String", Default: "512", Description: "Memory of a task, in MiB" },
      MinTasks: { Type: "Number", Default: 2, MinValue: 1, Description: "Least tasks" },
      MaxTasks: { Type: "Number", Default: 4, MinValue: 1, Description: "Most tasks" },
      AssignPublicIp: {
        Type: "String",
        Default: "DISABLED",
        AllowedValues: ["DISABLED", "ENABLED"],
        Description: "ENABLED where the service's subnets have no other way out"
      }
    },
    resources: {
      Cluster: { Type: "AWS::ECS::Cluster", Properties: {} },
      TaskRole: role({ Policies: [{ PolicyName: "service", PolicyDocument: policy }] }),
      ExecutionRole: role({
        Policies: [{
          PolicyName: "stderr",
          PolicyDocument: {
            Version: "2012-10-17",
            Statement: [{
              Effect: "Allow",
              Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
              Resource: sub("arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${LogGroup}:*")
            }]
          }
        }]
      }),
      Task: {
        Type: "AWS::ECS::TaskDefinition",
        Properties: {
          Family: ref("AWS::StackName"),
          RequiresCompatibilities: ["FARGATE"],
          NetworkMode: "awsvpc",
          RuntimePlatform: { CpuArchitecture: ref("Architecture"), OperatingSystemFamily: "LINUX" },
          Cpu: ref("Cpu"),
          Memory: ref("Memory"),
          TaskRoleArn: attribute("TaskRole", "Arn"),
          ExecutionRoleArn: attribute("ExecutionRole", "Arn"),
          Volumes: [{ Name: "app" }],
          ContainerDefinitions: [
            {
              Name: "fetch",
              Image: ref("FetchImage"),
              Essential: false,
              EntryPoint: ["/bin/bash", "-c"],
              Command: [{ "Fn::Join": ["", fetchScript(service)] }],
              MountPoints: [{ SourceVolume: "app", ContainerPath: "/app", ReadOnly: false }],
              LogConfiguration: logConfiguration("fetch")
            },
            {
              Name: "service",
              Image: ref("NodeImage"),
              Essential: true,
              DependsOn: [{ ContainerName: "fetch", Condition: "SUCCESS" }],
              Command: ["node", "/app/main.js", "serve"],
              User: "1000",
              ReadonlyRootFilesystem: true,
              MountPoints: [{ SourceVolume: "app", ContainerPath: "/app", ReadOnly: true }],
              PortMappings: [{ ContainerPort: port, Protocol: "tcp" }],
              Environment: environment,
              StopTimeout: timing.stopTimeout,
              LogConfiguration: logConfiguration("stderr")
            }
          ]
        }
      },
      Service: {
        Type: "AWS::ECS::Service",
        Properties: {
          Tags: [listenerTag],
          Cluster: ref("Cluster"),
          TaskDefinition: ref("Task"),
          LaunchType: "FARGATE",
          HealthCheckGracePeriodSeconds: 60,
          PropagateTags: "SERVICE",
          DeploymentConfiguration: {
            DeploymentCircuitBreaker: { Enable: true, Rollback: true },
            MinimumHealthyPercent: 100,
            MaximumPercent: 200
          },
          LoadBalancers: [{ ContainerName: "service", ContainerPort: port, TargetGroupArn: ref("Targets") }],
          NetworkConfiguration: {
            AwsvpcConfiguration: {
              AssignPublicIp: ref("AssignPublicIp"),
              SecurityGroups: [attribute("ServiceSecurityGroup", "GroupId")],
              Subnets: ref("ServiceSubnets")
            }
          }
        }
      },
      ScalableTasks: {
        Type: "AWS::ApplicationAutoScaling::ScalableTarget",
        Properties: {
          ServiceNamespace: "ecs",
          ScalableDimension: "ecs:service:DesiredCount",
          ResourceId: sub("service/${Cluster}/${Service.Name}"),
          MinCapacity: ref("MinTasks"),
          MaxCapacity: ref("MaxTasks")
        }
      },
      ScaleOnCpu: {
        Type: "AWS::ApplicationAutoScaling::ScalingPolicy",
        Properties: {
          PolicyName: "cpu",
          PolicyType: "TargetTrackingScaling",
          ScalingTargetId: ref("ScalableTasks"),
          TargetTrackingScalingPolicyConfiguration: {
            PredefinedMetricSpecification: { PredefinedMetricType: "ECSServiceAverageCPUUtilization" },
            TargetValue: 60
          }
        }
      }
    }
  }
}

/**
 * What the fetching container runs, in pieces.
 *
 * @category constructors
 * @since 1.1.0
 */
export const fetchScript = (service: string): ReadonlyArray<Value> =>
  UserData.fetch({
    service,
    bucket: ref("ArtefactBucket"),
    key: ref("ArtefactKey"),
    sha256: ref("ArtefactSha256"),
    region: ref("AWS::Region")
  })

const role = (properties: Named): Value => ({
  Type: "AWS::IAM::Role",
  Properties: { AssumeRolePolicyDocument: trust("ecs-tasks.amazonaws.com", thisAccount), ...properties }
})

// Nobody waits for the driver: what it cannot take in time is lost, and is only what could not be said otherwise.
const logConfiguration = (prefix: string): Value => ({
  LogDriver: "awslogs",
  Options: {
    "awslogs-group": ref("LogGroup"),
    "awslogs-region": ref("AWS::Region"),
    "awslogs-stream-prefix": prefix,
    mode: "non-blocking",
    "max-buffer-size": "1m"
  }
})
